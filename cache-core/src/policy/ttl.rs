//! How long an answer lives.

use std::time::Duration;

use serde::Deserialize;

use super::duration::{self, Text};
use crate::{Error, ErrorKind, Result};

/// How long one kind of answer may be served.
///
/// All times are counted from the load. What is not set comes from the layer below
/// ([`CallOptions`](crate::CallOptions) says which those are); what no layer sets does not happen.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ttl {
    /// How long a value is served without asking the loader again.
    pub fresh: Duration,
    /// How long a value may be served at all: past `fresh`, while the loader is asked again, and
    /// when that fails. At least `fresh`.
    pub stale: Option<Duration>,
    /// How long the answer "there is none" is served; it is not cached where this is not set.
    pub none: Option<Duration>,
    /// Up to how much of `fresh` is left off, by chance, so that what was loaded together is not
    /// loaded again together. Below `fresh`.
    pub jitter: Option<Duration>,
    /// How long the near level keeps a copy at most. At most what the remote level keeps it.
    pub near: Option<Duration>,
}

impl Ttl {
    /// The shortest TTL. Redis counts in milliseconds.
    pub const MIN: Duration = Duration::from_millis(1);

    /// The longest TTL: what lives longer than a year is not a cache entry.
    pub const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

    /// Creates a TTL for values.
    pub const fn new(fresh: Duration) -> Self {
        Self { fresh, stale: None, none: None, jitter: None, near: None }
    }

    /// Returns a copy that may be served, stale, until it is this old.
    #[must_use]
    pub const fn with_stale(mut self, stale: Duration) -> Self {
        self.stale = Some(stale);
        self
    }

    /// Returns a copy that also caches "there is none".
    #[must_use]
    pub const fn with_none(mut self, none: Duration) -> Self {
        self.none = Some(none);
        self
    }

    /// Returns a copy of which up to so much is left off, by chance.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// Returns a copy that the near level keeps no longer than this.
    #[must_use]
    pub const fn with_near(mut self, near: Duration) -> Self {
        self.near = Some(near);
        self
    }

    /// Checks the bounds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming `what`, if a duration is below [`Ttl::MIN`] or above
    /// [`Ttl::MAX`], or if two of them contradict each other: both are named.
    pub fn checked(self, what: &str) -> Result<Self> {
        let times = [Some(self.fresh), self.stale, self.none, self.jitter, self.near];
        for time in times.into_iter().flatten() {
            if time < Self::MIN || time > Self::MAX {
                let time = duration::shown(time);
                let text = format!("{what} is {time}: a TTL lies between 1ms and 366 days");
                return Err(Error::new(ErrorKind::Config, text));
            }
        }
        let kept = self.stale.map_or(self.fresh, |stale| stale.max(self.fresh));
        let pairs = [
            ("stale", self.stale, "below", "fresh", self.fresh, |stale, fresh| stale < fresh),
            ("jitter", self.jitter, "not below", "fresh", self.fresh, |it, fresh| it >= fresh),
            ("near", self.near, "above", "stale` or `fresh", kept, |near, kept| near > kept),
        ] as [(_, _, _, _, _, fn(Duration, Duration) -> bool); 3];
        for (name, time, relation, other, bound, is_wrong) in pairs {
            if let Some(time) = time.filter(|time| is_wrong(*time, bound)) {
                let (time, bound) = (duration::shown(time), duration::shown(bound));
                let text = format!("{what}: `{name}` ({time}) is {relation} `{other}` ({bound})");
                return Err(Error::new(ErrorKind::Config, text));
            }
        }
        Ok(self)
    }
}

/// A TTL as it stands in a table: `"5m"` or `{ fresh = "5m", none = "10s" }`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a TTL is a duration such as \"5m\", or a table { fresh = \"5m\", none = \"10s\" } \
                 with any of `fresh`, `stale`, `none`, `jitter` and `near`, and always `fresh`"
)]
pub(super) enum Cell {
    Short(Text),
    Long(Long),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Long {
    fresh: Text,
    stale: Option<Text>,
    none: Option<Text>,
    jitter: Option<Text>,
    near: Option<Text>,
}

impl From<Cell> for Ttl {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Short(Text(fresh)) => Self::new(fresh),
            Cell::Long(Long { fresh, stale, none, jitter, near }) => {
                let time = |text: Option<Text>| text.map(|text| text.0);
                let (stale, none) = (time(stale), time(none));
                Self { fresh: fresh.0, stale, none, jitter: time(jitter), near: time(near) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_name_both() {
        let secs = Duration::from_secs;
        let ttl = Ttl::new(secs(60));
        for (wrong, expected) in [
            (ttl.with_stale(secs(59)), "it: `stale` (59s) is below `fresh` (1m)"),
            (ttl.with_jitter(secs(60)), "it: `jitter` (1m) is not below `fresh` (1m)"),
            (ttl.with_near(secs(61)), "it: `near` (1m 1s) is above `stale` or `fresh` (1m)"),
            (ttl.with_none(secs(0)), "it is 0s"),
        ] {
            assert!(wrong.checked("it").unwrap_err().to_string().contains(expected));
        }
        let right = ttl.with_stale(secs(90)).with_near(secs(90)).with_jitter(secs(59));
        assert_eq!(right.checked("it").unwrap(), right);
    }
}
