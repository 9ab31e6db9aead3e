//! What the cache did: outcomes, counters, health.

mod counters;
mod outcome;

use std::collections::BTreeMap;

use serde::Serialize;

pub use outcome::Outcome;

pub(crate) use counters::{CacheCounters, EntityCounters};

use crate::level::near::NearUsage;

/// A reading of every counter. Counters start at zero when the cache is built and only go up.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Stats {
    /// Calls by entity, under the name that stands in the key.
    pub entities: BTreeMap<String, EntityStats>,
    /// What the near level holds.
    pub near: NearUsage,
    /// Loads under way.
    pub in_flight: u64,
    /// Remote operations that failed.
    pub remote_errors: u64,
    /// Remote operations that took longer than `remote_timeout`.
    pub remote_timeouts: u64,
    /// Remote operations that were not tried because the remote level was down.
    pub remote_rejections: u64,
    /// How often the remote level was given up as down.
    pub breaker_openings: u64,
    /// Fills refused because the key was invalidated, or its lease lost, during the load.
    pub fenced_fills: u64,
    /// Waits for somebody else's load that were given up.
    pub waits_given_up: u64,
    /// Invalidations asked for, of keys and of groups.
    pub invalidations: u64,
    /// Invalidations that the remote level could not be told of.
    pub invalidations_failed: u64,
    /// News of the remote level: what others changed, and our own echoes.
    pub news: u64,
    /// How often the remote level turned out to be another server, or one that may have forgotten.
    pub strangers: u64,
    /// Calls under a key longer than [`Key::MAX_LEN`](crate::Key::MAX_LEN).
    pub keys_too_long: u64,
    /// Values over `max_value_bytes`: served, not cached.
    pub values_too_large: u64,
    /// Values of a type that the codec cannot store: served, and cached near only.
    pub values_unsupported: u64,
    /// Stored bytes that were a miss, by cause.
    pub flaws: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// Returns the counters of all entities together.
    pub fn total(&self) -> EntityStats {
        self.entities.values().fold(EntityStats::default(), |sum, one| sum.plus(one))
    }
}

/// A reading of the counters of one entity. Every call is in exactly one of the first six.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct EntityStats {
    /// Calls answered from memory.
    pub near_hits: u64,
    /// Calls answered from the remote level.
    pub remote_hits: u64,
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
}

impl EntityStats {
    /// Returns the number of calls.
    pub fn calls(&self) -> u64 {
        self.near_hits + self.remote_hits + self.loaded + self.bypassed + self.failed + self.missed
    }

    /// Returns the share of calls that were hits, from 0 to 1; 0 if there were none.
    pub fn hit_rate(&self) -> f64 {
        let hits = self.near_hits + self.remote_hits;
        if hits == 0 { 0.0 } else { hits as f64 / self.calls() as f64 }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            near_hits: self.near_hits + other.near_hits,
            remote_hits: self.remote_hits + other.remote_hits,
            loaded: self.loaded + other.loaded,
            bypassed: self.bypassed + other.bypassed,
            failed: self.failed + other.failed,
            missed: self.missed + other.missed,
            coalesced: self.coalesced + other.coalesced,
            loads: self.loads + other.loads,
        }
    }
}

/// How the cache is: for a health endpoint.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Health {
    /// The state of the remote level; `None` if the cache has none.
    pub remote: Option<RemoteHealth>,
}

impl Health {
    /// Whether everything the cache was built with is in use.
    pub fn is_complete(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.state == RemoteState::Up)
    }
}

/// How the remote level is.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RemoteHealth {
    /// What it is, without credentials.
    pub backend: String,
    /// Whether it is used.
    pub state: RemoteState,
    /// Which changes by others it tells. Unless it is everything, near entries live for
    /// `degraded_ttl` at most.
    pub hearing: Hearing,
    /// How long ago it was last heard, in milliseconds; `None` if it never was, or tells nothing.
    pub heard_ms_ago: Option<u64>,
    /// What is wrong, without credentials.
    pub problem: Option<String>,
}

impl RemoteHealth {
    /// Whether every change by others is told.
    pub fn is_listening(&self) -> bool {
        self.hearing == Hearing::Everything
    }
}

/// Which changes by others are told.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hearing {
    /// Every change, whoever makes it: by client tracking, on the data connection, in a cluster on
    /// that of each primary.
    Everything,
    /// None: there is no connection, or a backend that does not tell.
    Nothing,
    /// What other instances of this library publish: the server refuses client tracking.
    Published,
}

/// Whether the remote level is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteState {
    /// It does not answer; calls go past it until a probe succeeds.
    Down,
    /// It answers.
    Up,
}
