//! The TTL table in use, and the names that it has nothing for.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::key::{Key, local_hash};
use crate::policy::{Times, TtlTable};
use crate::stats::{TARGET, TableHealth};
use crate::{Error, ErrorKind};

/// The TTL table in use. Looked at when something is kept, never on a near hit.
#[derive(Debug)]
pub(super) struct Table {
    current: ArcSwap<TtlTable>,
    record: Mutex<Record>,
    /// The hashes of the names that were logged.
    logged: Mutex<HashSet<u64>>,
}

/// What became of replacements. Changed together with the table.
#[derive(Debug, Default)]
struct Record {
    revision: u64,
    /// Since when the table has been in use, on the monotonic clock.
    since: Duration,
    problem: Option<String>,
}

/// What the table says of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Row {
    /// It names it.
    Known(Times),
    /// It does not, and the fallback counts.
    Unknown,
    /// It does not, and is strict.
    Refused,
}

impl Table {
    /// How many names are logged, tier and entity together; those beyond are only counted.
    const MAX_LOGGED: usize = 256;

    pub(super) fn new(table: TtlTable, now: Duration) -> Self {
        let record = Record { since: now, ..Record::default() };
        let (record, logged) = (Mutex::new(record), Mutex::default());
        Self { current: ArcSwap::from_pointee(table), record, logged }
    }

    pub(super) fn current(&self) -> Arc<TtlTable> {
        self.current.load_full()
    }

    /// Returns what the table says of `key`.
    pub(super) fn row(&self, key: &Key) -> Row {
        let table = self.current.load();
        match table.find(key.tier_name(), key.entity_name()) {
            Some(ttl) => Row::Known(ttl.into()),
            None if table.is_strict() => Row::Refused,
            None => Row::Unknown,
        }
    }

    /// Puts another table in the place of the one in use.
    pub(super) fn replace(&self, table: TtlTable, now: Duration) {
        let mut record = self.record();
        self.current.store(Arc::new(table));
        *record = Record { revision: record.revision + 1, since: now, problem: None };
        tracing::info!(
            name: "cache.ttl_table_replaced",
            target: TARGET,
            revision = record.revision,
            "the TTL table was replaced",
        );
    }

    /// Takes note of a table that cannot be used; returns the error that says which one is.
    pub(super) fn refuse(&self, cause: &Error) -> Error {
        let text = format!("{cause}; the table in use stays");
        tracing::error!(
            name: "cache.ttl_table_refused",
            target: TARGET,
            problem = text,
            "the TTL table was not replaced",
        );
        self.record().problem = Some(text.clone());
        Error::new(cause.kind(), text)
    }

    pub(super) fn health(&self, now: Duration) -> TableHealth {
        let record = self.record();
        let age_ms = now.saturating_sub(record.since).as_millis();
        let age_ms = age_ms.try_into().unwrap_or(u64::MAX);
        TableHealth { revision: record.revision, age_ms, problem: record.problem.clone() }
    }

    /// Logs that nobody says how long what is under `key` lives, once for each name.
    pub(super) fn note_unknown(&self, key: &Key, row: Row) {
        if !self.is_news(key) {
            return;
        }
        let (tier, entity, ttl) = (key.tier_name(), key.entity_name(), TtlTable::FALLBACK.fresh);
        match row {
            Row::Refused => tracing::error!(
                name: "cache.ttl_refused",
                target: TARGET,
                entity,
                tier,
                "not cached: the TTL table is strict and lacks it",
            ),
            _ => tracing::warn!(
                name: "cache.ttl_missing",
                target: TARGET,
                entity,
                tier,
                ?ttl,
                "the TTL table lacks it, and has no `default`",
            ),
        }
    }

    fn is_news(&self, key: &Key) -> bool {
        let name = [key.tier_name().unwrap_or("-"), key.entity_name()].join(":");
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.len() < Self::MAX_LOGGED && logged.insert(local_hash(name.as_bytes()))
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the error of a writer whose value a strict table has no TTL for.
pub(super) fn refused(key: &Key) -> Error {
    let entity = key.entity_name();
    let text = match key.tier_name() {
        Some(tier) => format!(
            "the TTL table is strict and has no line for tier {tier:?}, entity {entity:?}: add \
             `{entity}` or `default` under `[tiers.{tier}]`"
        ),
        None => format!(
            "the TTL table is strict and has no line for entity {entity:?} without a tier: add \
             `{entity}` under `[entities]`, or a `default`"
        ),
    };
    Error::new(ErrorKind::Config, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;

    #[test]
    fn each_name_is_logged_once_and_no_more_names_than_the_bound() {
        let table = Table::new(TtlTable::new(), Duration::ZERO);
        let is_news = |entity: &str| table.is_news(&key("atlas", entity));

        assert!(is_news("profile"));
        assert!(!is_news("profile"));
        assert!(table.is_news(&key("atlas", "profile").tier("free")), "another name");
        let news = (0..1000).filter(|index| is_news(&format!("entity{index}"))).count();
        assert_eq!(news, Table::MAX_LOGGED - 2);
    }
}
