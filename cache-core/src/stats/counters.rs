//! Counters that only go up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::{EntityStats, Outcome};

/// One counter. Relaxed: a reading is a snapshot, not a fence.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one entity. Near entries hold them, so that a near hit looks nothing up.
#[derive(Debug, Default)]
pub(crate) struct EntityCounters {
    pub(crate) near_hits: Counter,
    pub(crate) remote_hits: Counter,
    pub(crate) stale: Counter,
    pub(crate) loaded: Counter,
    pub(crate) bypassed: Counter,
    pub(crate) failed: Counter,
    pub(crate) missed: Counter,
    pub(crate) coalesced: Counter,
    pub(crate) loads: Counter,
    pub(crate) refreshes: Counter,
    pub(crate) refreshes_failed: Counter,
}

impl EntityCounters {
    pub(crate) fn answered(&self, outcome: Outcome) {
        match outcome {
            Outcome::Bypass => self.bypassed.add_one(),
            Outcome::Loaded => self.loaded.add_one(),
            Outcome::NearHit => self.near_hits.add_one(),
            Outcome::RemoteHit => self.remote_hits.add_one(),
            Outcome::Stale => self.stale.add_one(),
        }
    }

    pub(crate) fn read(&self) -> EntityStats {
        EntityStats {
            near_hits: self.near_hits.read(),
            remote_hits: self.remote_hits.read(),
            stale: self.stale.read(),
            loaded: self.loaded.read(),
            bypassed: self.bypassed.read(),
            failed: self.failed.read(),
            missed: self.missed.read(),
            coalesced: self.coalesced.read(),
            loads: self.loads.read(),
            refreshes: self.refreshes.read(),
            refreshes_failed: self.refreshes_failed.read(),
        }
    }
}

/// The counters of every entity, up to a bound; the rest share one.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    known: RwLock<HashMap<Box<str>, Arc<EntityCounters>>>,
    rest: Arc<EntityCounters>,
}

impl Entities {
    /// More entities than a service has; a bound for those that make names of ids.
    const MAX: usize = 1024;

    /// The name under which the entities beyond the bound are counted.
    const REST: &str = "(other)";

    pub(crate) fn of(&self, entity: &str) -> Arc<EntityCounters> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counters) = known.get(entity) {
            return Arc::clone(counters);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MAX && !known.contains_key(entity) {
            return Arc::clone(&self.rest);
        }
        Arc::clone(known.entry(entity.into()).or_default())
    }

    pub(crate) fn read(&self) -> impl Iterator<Item = (String, EntityStats)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> =
            known.iter().map(|(name, counters)| (name.to_string(), counters.read())).collect();
        let rest = self.rest.read();
        if rest != EntityStats::default() {
            all.push((Self::REST.to_owned(), rest));
        }
        all.into_iter()
    }
}

/// The counters of a cache as a whole.
#[derive(Debug, Default)]
pub(crate) struct CacheCounters {
    pub(crate) entities: Entities,
    pub(crate) remote_errors: Counter,
    pub(crate) remote_timeouts: Counter,
    pub(crate) remote_slow: Counter,
    pub(crate) remote_rejections: Counter,
    pub(crate) breaker_openings: Counter,
    pub(crate) fenced_fills: Counter,
    pub(crate) waits_given_up: Counter,
    pub(crate) invalidations: Counter,
    pub(crate) invalidations_journalled: Counter,
    pub(crate) invalidations_replayed: Counter,
    pub(crate) journal_overflows: Counter,
    pub(crate) leases_left: Counter,
    pub(crate) loads_queued: Counter,
    pub(crate) loads_over_limit: Counter,
    pub(crate) soft_timeouts: Counter,
    pub(crate) hard_timeouts: Counter,
    pub(crate) background_refused: Counter,
    pub(crate) news: Counter,
    pub(crate) keys_too_long: Counter,
    pub(crate) payload_bytes: Counter,
    pub(crate) stored_bytes: Counter,
    pub(crate) values_too_large: Counter,
    pub(crate) values_unsupported: Counter,
    pub(crate) ttls_unknown: Counter,
    pub(crate) nones_over_limit: Counter,
    pub(crate) flaws: Flaws,
}

/// Stored bytes that could not be used, by cause.
#[derive(Debug, Default)]
pub(crate) struct Flaws([Counter; crate::wire::Flaw::ALL.len()]);

impl Flaws {
    pub(crate) fn count(&self, flaw: crate::wire::Flaw) {
        let causes = crate::wire::Flaw::ALL.iter().zip(&self.0);
        for (_, counter) in causes.filter(|(cause, _)| **cause == flaw) {
            counter.add_one();
        }
    }

    pub(crate) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let causes = crate::wire::Flaw::ALL.iter().zip(&self.0);
        causes.map(|(cause, counter)| (cause.as_str(), counter.read()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_beyond_the_bound_share_a_counter() {
        let entities = Entities::default();
        for index in 0..Entities::MAX + 5 {
            entities.of(&format!("entity{index}")).loads.add_one();
        }

        let rest = entities.read().find(|(name, _)| name == Entities::REST).unwrap();

        assert_eq!(rest.1.loads, 5);
        assert_eq!(entities.read().count(), Entities::MAX + 1);
    }
}
