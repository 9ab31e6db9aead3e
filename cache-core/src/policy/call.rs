//! What one call asks for, where it differs from the table.

use std::time::Duration;

use super::Ttl;
use super::lifetime::Times;
use crate::Result;

/// Options of one call or one annotated function.
///
/// What says how long an answer lives has four layers: what the loader decided
/// ([`Loaded::with_ttl`](crate::Loaded::with_ttl)) counts before what the call asks for, which counts
/// before the [`TtlTable`](crate::TtlTable), which counts before the defaults. Each layer counts for what it sets,
/// time by time; where times of two layers contradict each other, `fresh` counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions {
    times: Times,
    version: Option<u32>,
    soft_timeout: Option<Duration>,
    hard_timeout: Option<Duration>,
    refresh_ahead: Option<f64>,
}

impl CallOptions {
    /// Takes everything from the TTL table and the settings.
    pub const fn table() -> Self {
        Self {
            times: Times::NONE,
            version: None,
            soft_timeout: None,
            hard_timeout: None,
            refresh_ahead: None,
        }
    }

    /// Uses `ttl`, whatever the table says of the times that it sets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is out of bounds, or contradicts itself.
    pub fn with_ttl(mut self, ttl: Ttl) -> Result<Self> {
        self.times = Times::from(ttl.checked("the TTL of a call")?).over(self.times);
        Ok(self)
    }

    /// Says which version of the type is stored. Entries of other versions are misses.
    ///
    /// Needed for types that the schema fingerprint cannot see through, and to drop entries whose
    /// meaning changed while their type did not.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets how long a caller waits for the loader where a stale value is at hand, in the place of
    /// [`Settings::soft_timeout`](crate::Settings).
    #[must_use]
    pub const fn soft_timeout(mut self, timeout: Duration) -> Self {
        self.soft_timeout = Some(timeout);
        self
    }

    /// Sets how long a caller of [`Cache::fetch_within`](crate::Cache::fetch_within) waits for the
    /// loader at all, in the place of [`Settings::hard_timeout`](crate::Settings).
    #[must_use]
    pub const fn hard_timeout(mut self, timeout: Duration) -> Self {
        self.hard_timeout = Some(timeout);
        self
    }

    /// Sets how early values are refreshed, in the place of
    /// [`Settings::refresh_ahead`](crate::Settings).
    #[must_use]
    pub const fn refresh_ahead(mut self, beta: f64) -> Self {
        self.refresh_ahead = Some(beta);
        self
    }

    /// For the macro, which has checked the durations.
    #[doc(hidden)]
    pub const fn fixed(ttl_ms: u64) -> Self {
        let mut options = Self::table();
        options.times.fresh = Some(Duration::from_millis(ttl_ms));
        options
    }

    /// For the macro, which has checked the durations.
    #[doc(hidden)]
    #[must_use]
    pub const fn none_ttl(mut self, ms: u64) -> Self {
        self.times.none = Some(Duration::from_millis(ms));
        self
    }

    pub(crate) fn schema(&self) -> Option<u32> {
        self.version
    }

    pub(crate) fn ahead(&self) -> Option<f64> {
        self.refresh_ahead
    }

    pub(crate) fn soft(&self) -> Option<Duration> {
        self.soft_timeout
    }

    pub(crate) fn hard(&self) -> Option<Duration> {
        self.hard_timeout
    }

    /// Returns what the call says of times.
    pub(crate) fn times(&self) -> Times {
        self.times
    }
}
