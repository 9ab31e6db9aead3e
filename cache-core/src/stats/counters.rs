//! Counters that only go up.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Lines;
use crate::ErrorKind;
use crate::wire::Flaw;

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

/// The counters of a cache as a whole.
#[derive(Debug, Default)]
pub(crate) struct CacheCounters {
    pub(crate) lines: Lines,
    pub(crate) remote_errors: RemoteErrors,
    pub(crate) remote_slow: Counter,
    pub(crate) remote_rejections: Counter,
    pub(crate) breaker_openings: Counter,
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
    pub(crate) values_too_large: Counter,
    pub(crate) values_unsupported: Counter,
    pub(crate) flaws: Flaws,
}

/// Stored bytes that could not be used, by cause.
#[derive(Debug, Default)]
pub(crate) struct Flaws([Counter; Flaw::ALL.len()]);

impl Flaws {
    pub(crate) fn count(&self, flaw: Flaw) {
        let causes = Flaw::ALL.iter().zip(&self.0);
        for (_, counter) in causes.filter(|(cause, _)| **cause == flaw) {
            counter.add_one();
        }
    }

    pub(crate) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let causes = Flaw::ALL.iter().zip(&self.0);
        causes.map(|(cause, counter)| (cause.as_str(), counter.read()))
    }
}

/// Operations of the remote level that failed, by kind.
#[derive(Debug, Default)]
pub(crate) struct RemoteErrors([Counter; ErrorKind::ALL.len()]);

impl RemoteErrors {
    pub(crate) fn count(&self, kind: ErrorKind) {
        let kinds = ErrorKind::ALL.iter().zip(&self.0);
        kinds.filter(|(it, _)| **it == kind).for_each(|(_, counter)| counter.add_one());
    }

    /// Returns how many were of a kind for which `is_meant`.
    pub(crate) fn sum(&self, is_meant: impl Fn(ErrorKind) -> bool) -> u64 {
        let kinds = ErrorKind::ALL.iter().zip(&self.0);
        kinds.filter(|(kind, _)| is_meant(**kind)).map(|(_, counter)| counter.read()).sum()
    }

    pub(crate) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ErrorKind::ALL.iter().zip(&self.0).map(|(kind, counter)| (kind.as_str(), counter.read()))
    }
}
