//! Whether an answer is older than an edit that was acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::database::USERS;

/// By user, the last edit whose function has returned `Ok`: no later call may be answered with less.
#[derive(Debug)]
pub(crate) struct Judge(Vec<AtomicU64>);

impl Judge {
    pub(crate) fn new() -> Self {
        Self((0..USERS).map(|_| AtomicU64::new(0)).collect())
    }

    pub(crate) fn acknowledge(&self, user: usize, edits: u64) {
        self.0[user].fetch_max(edits, Ordering::SeqCst);
    }

    /// Returns what a call that begins now must know.
    pub(crate) fn floor(&self, user: usize) -> u64 {
        self.0[user].load(Ordering::SeqCst)
    }
}
