//! What callers got, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of all instances together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: Count,
    /// Calls that were given up by their callers.
    pub(crate) cancelled: Count,
    /// Edits whose invalidation was acknowledged.
    pub(crate) edits: Count,
    /// Calls that read, and failed although their loader does not.
    pub(crate) errors: Count,
    /// Instances that ended, and were replaced.
    pub(crate) instances: Count,
    /// Invalidations that the server was not told of when their instance was closed.
    pub(crate) left_at_close: Count,
    /// Answers older than what was acknowledged on the same instance.
    pub(crate) old: Count,
    /// Edits whose invalidation was an error.
    pub(crate) refused: Count,
}

/// One of them.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add_one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
