//! What the cache did: outcomes, counters, health.

mod counters;
mod entity;
mod health;
mod line;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod observer;
mod outcome;

use std::collections::BTreeMap;

use serde::Serialize;

pub use entity::EntityStats;
pub use health::{Closed, Health, Hearing, RemoteHealth, RemoteState, TableHealth};
#[cfg(feature = "metrics")]
pub use metrics::MetricsObserver;
pub use observer::{Event, LineEvent, LineObserver, LoadKind, Observer};
pub use outcome::Outcome;

pub(crate) use counters::CacheCounters;
pub(crate) use entity::{sum, sums};
pub(crate) use line::{Line, Lines};
pub(crate) use log::TARGET;
#[cfg(feature = "metrics")]
pub(crate) use metrics::record_gauges;

use crate::level::near::NearUsage;

/// A reading of every counter. Counters start at zero when the cache is built and only go up.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Stats {
    /// Calls by entity, under the name that stands in the key.
    pub entities: BTreeMap<String, EntityStats>,
    /// The same calls by entity and tier; those of keys without a tier stand under `-`.
    pub tiers: BTreeMap<String, BTreeMap<String, EntityStats>>,
    /// What the near level holds.
    pub near: NearUsage,
    /// How long ago the remote level was last heard, in milliseconds; `None` if it never was, or
    /// tells nothing.
    pub remote_heard_ms_ago: Option<u64>,
    /// Loads under way.
    pub in_flight: u64,
    /// Remote operations that failed, those that took too long apart.
    pub remote_errors: u64,
    /// Remote operations that failed, by [`ErrorKind`](crate::ErrorKind), those that took too long
    /// among them.
    pub remote_errors_by_kind: BTreeMap<&'static str, u64>,
    /// Remote operations that took longer than `remote_timeout`.
    pub remote_timeouts: u64,
    /// Remote operations that were answered, later than `slow_after`.
    pub remote_slow: u64,
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
    /// Those of which the remote level could not be told at once, so that it is owed them.
    pub invalidations_journalled: u64,
    /// Keys and groups that the remote level was owed and has been told of.
    pub invalidations_replayed: u64,
    /// Keys and groups that the remote level is owed now.
    pub journal_depth: u64,
    /// How often the remote level was owed more than `journal_max`, so that everything was ended.
    pub journal_overflows: u64,
    /// Leases that were left to end by themselves, as there were too many to give back.
    pub leases_left: u64,
    /// Loads that waited for their turn while the remote level was down.
    pub loads_queued: u64,
    /// Loads that ran beyond `load_limit`: the queue was full, or took longer than `load_wait`.
    pub loads_over_limit: u64,
    /// Callers that were served a stale value because its load took longer than `soft_timeout`.
    pub soft_timeouts: u64,
    /// Callers that were given an error because their load took longer than `hard_timeout`.
    pub hard_timeouts: u64,
    /// Loads that go on without their callers, now.
    pub in_background: u64,
    /// Loads that could not, as there were `background_limit` of them.
    pub background_refused: u64,
    /// News of the remote level: what others changed, and our own echoes.
    pub news: u64,
    /// How often the remote level turned out to be another server, or one that may have forgotten.
    pub strangers: u64,
    /// Calls under a key longer than [`Key::MAX_LEN`](crate::Key::MAX_LEN).
    pub keys_too_long: u64,
    /// Bytes of the values that were encoded for the remote level, as the codec wrote them.
    pub payload_bytes: u64,
    /// The same values as they are stored: less than `payload_bytes` by what compression saved.
    /// Envelopes, 64 bytes and 16 for each group, come on top.
    pub stored_bytes: u64,
    /// Values over `max_value_bytes`: served, not cached.
    pub values_too_large: u64,
    /// Values of a type that the codec cannot store: served, and cached near only.
    pub values_unsupported: u64,
    /// Answers of a tier or entity that nobody says a TTL of: cached for
    /// [`TtlTable::FALLBACK`](crate::TtlTable::FALLBACK), or not at all if the table is strict.
    pub ttls_unknown: u64,
    /// Absent answers that were served and not cached, as there were `none_limit` of them.
    pub nones_over_limit: u64,
    /// Stored bytes that were a miss, by cause.
    pub flaws: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// Returns the counters of all entities together.
    pub fn total(&self) -> EntityStats {
        sum(self.entities.values())
    }
}
