//! What is counted of one entity.

use std::collections::BTreeMap;

use serde::Serialize;

/// A reading of the counters of one entity, or of one of its tiers. Every call is in exactly one of the first seven.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct EntityStats {
    /// Calls answered from memory.
    pub near_hits: u64,
    /// Calls answered from the remote level.
    pub remote_hits: u64,
    /// Calls answered with a stale value.
    pub stale: u64,
    /// Calls answered by a load, their own or one they waited for.
    pub loaded: u64,
    /// Calls answered by the loader because they could not be cached.
    pub bypassed: u64,
    /// Calls whose loader failed.
    pub failed: u64,
    /// Calls of `get` that found nothing.
    pub missed: u64,
    /// Of all calls, those answered by a load that another caller had started.
    pub coalesced: u64,
    /// How often a loader ran.
    pub loads: u64,
    /// Of all loads, those of values that were there, stale or soon to be.
    pub refreshes: u64,
    /// Of all refreshes, those that failed: what was there was served on.
    pub refreshes_failed: u64,
    /// How long all loads took together, in microseconds, those that failed among them. A load of
    /// many keys counts for each of them.
    pub load_us: u64,
    /// Fills refused because the key was invalidated, or its lease lost, during the load.
    pub fenced_fills: u64,
    /// Bytes of the values that were encoded for the remote level, as the codec wrote them.
    pub payload_bytes: u64,
    /// The same values as they are stored.
    pub stored_bytes: u64,
}

impl EntityStats {
    /// Returns the number of calls.
    pub fn calls(&self) -> u64 {
        let unkept = self.bypassed + self.failed + self.missed;
        self.near_hits + self.remote_hits + self.stale + self.loaded + unkept
    }

    /// Returns the share of calls that were hits, stale ones included, from 0 to 1; 0 if there were
    /// none.
    pub fn hit_rate(&self) -> f64 {
        let hits = self.near_hits + self.remote_hits + self.stale;
        if hits == 0 { 0.0 } else { hits as f64 / self.calls() as f64 }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            near_hits: self.near_hits + other.near_hits,
            remote_hits: self.remote_hits + other.remote_hits,
            stale: self.stale + other.stale,
            loaded: self.loaded + other.loaded,
            bypassed: self.bypassed + other.bypassed,
            failed: self.failed + other.failed,
            missed: self.missed + other.missed,
            coalesced: self.coalesced + other.coalesced,
            loads: self.loads + other.loads,
            refreshes: self.refreshes + other.refreshes,
            refreshes_failed: self.refreshes_failed + other.refreshes_failed,
            load_us: self.load_us + other.load_us,
            fenced_fills: self.fenced_fills + other.fenced_fills,
            payload_bytes: self.payload_bytes + other.payload_bytes,
            stored_bytes: self.stored_bytes + other.stored_bytes,
        }
    }
}

/// Adds readings up.
pub(crate) fn sum<'a>(all: impl Iterator<Item = &'a EntityStats>) -> EntityStats {
    all.fold(EntityStats::default(), |sum, one| sum.plus(one))
}

/// Adds the tiers of each entity up.
pub(crate) fn sums(
    tiers: &BTreeMap<String, BTreeMap<String, EntityStats>>,
) -> BTreeMap<String, EntityStats> {
    tiers.iter().map(|(entity, tiers)| (entity.clone(), sum(tiers.values()))).collect()
}
