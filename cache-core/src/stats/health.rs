//! How the cache is, and what it left.

use serde::Serialize;

use crate::cache::WarmHealth;

/// How the cache is: for a health endpoint.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Health {
    /// The state of the remote level; `None` if the cache has none.
    pub remote: Option<RemoteHealth>,
    /// How far the list that is warmed at the start has come; nothing if there is none.
    pub warming: Vec<WarmHealth>,
    /// The TTL table in use.
    pub ttl_table: TableHealth,
}

impl Health {
    /// Whether everything the cache was built with is in use.
    pub fn is_complete(&self) -> bool {
        self.remote.as_ref().is_none_or(|remote| remote.state == RemoteState::Up)
    }
}

/// How the TTL table is.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct TableHealth {
    /// How often the table was replaced.
    pub revision: u64,
    /// For how long it has been in use, in milliseconds.
    pub age_ms: u64,
    /// Why the last one was refused; `None` if that is the one in use.
    pub problem: Option<String>,
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
    /// How long it has not been in use, in milliseconds.
    pub down_for_ms: Option<u64>,
    /// How many keys and groups it must be told the end of before they are read again.
    pub owed: usize,
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
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteState {
    /// The cache was closed.
    Closed,
    /// It does not answer; calls go past it until a probe succeeds.
    Down,
    /// It answers, and is told what it missed; calls go past it until that is done.
    Replaying,
    /// It answers.
    Up,
}

/// What was left when a cache was closed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Closed {
    /// Invalidations that the remote level was not told of: it may serve what they ended until the
    /// TTL of each entry.
    pub invalidations_left: usize,
    /// Leases that were not given back: whoever misses their keys waits for `lease_ttl` at most.
    pub leases_left: usize,
    /// Loads that went on without their callers, and were ended before they could be kept.
    pub loads_left: usize,
}

impl Closed {
    /// Creates a report.
    pub(crate) const fn new(invalidations_left: usize, leases_left: usize) -> Self {
        Self { invalidations_left, leases_left, loads_left: 0 }
    }

    /// Returns the report with the loads that were left.
    pub(crate) const fn with_loads(mut self, loads_left: usize) -> Self {
        self.loads_left = loads_left;
        self
    }

    /// Whether nothing was left.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}
