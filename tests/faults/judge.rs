//! Who says whether an answer is too old.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::traffic::KEYS;

/// What each instance may not forget.
///
/// An invalidation that was acknowledged holds at once on its own instance, and on the others once
/// all have recovered and those that could not be told of it have forgotten by themselves.
#[derive(Debug)]
pub(super) struct Judge {
    /// By instance and key: what it has acknowledged itself.
    own: Vec<Vec<AtomicU64>>,
    /// By key: what is demanded of all.
    common: Vec<AtomicU64>,
    acknowledged: Vec<AtomicU64>,
    stale: Mutex<Vec<String>>,
}

/// What an answer must be as new as, before the call began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Floors {
    /// What the instance has acknowledged itself.
    pub(super) own: u64,
    /// What anybody has, and all must know.
    pub(super) common: u64,
}

impl Judge {
    pub(super) fn new(instances: usize) -> Self {
        let floors = || (0..KEYS).map(|_| AtomicU64::new(0)).collect();
        Self {
            own: (0..instances).map(|_| floors()).collect(),
            common: floors(),
            acknowledged: floors(),
            stale: Mutex::default(),
        }
    }

    /// Returns what an instance must know of a key; to be asked before the call.
    pub(super) fn floors(&self, at: usize, index: usize) -> Floors {
        let own = self.own[at][index].load(Ordering::SeqCst);
        Floors { own, common: self.common[index].load(Ordering::SeqCst) }
    }

    /// Returns what anybody has acknowledged so far, by key: what all must know once all is well.
    pub(super) fn acknowledged(&self) -> Vec<u64> {
        self.acknowledged.iter().map(|version| version.load(Ordering::SeqCst)).collect()
    }

    /// Notes that an instance has acknowledged the end of everything before a version.
    pub(super) fn acknowledge(&self, at: usize, index: usize, version: u64) {
        self.own[at][index].fetch_max(version, Ordering::SeqCst);
        self.acknowledged[index].fetch_max(version, Ordering::SeqCst);
    }

    /// Demands of all instances what had been acknowledged at some moment.
    pub(super) fn demand_of_all(&self, acknowledged: &[u64]) {
        for (floor, version) in self.common.iter().zip(acknowledged) {
            floor.fetch_max(*version, Ordering::SeqCst);
        }
    }

    /// Takes an answer.
    pub(super) fn see(&self, who: impl fmt::Display, index: usize, seen: u64, floors: Floors) {
        let Floors { own, common } = floors;
        if seen < own.max(common) {
            let text = format!("{who}, key {index}: {seen} after {own} there, {common} anywhere");
            self.stale.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }

    /// Returns the answers that were too old.
    pub(super) fn stale(&self) -> Vec<String> {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
