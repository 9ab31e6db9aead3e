//! How long an answer lives.

use std::time::Duration;

use serde::Deserialize;

use super::duration::{self, Text};
use crate::{Error, ErrorKind, Result};

/// How long one kind of answer may be served.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ttl {
    /// How long a value is served without asking the loader again.
    pub fresh: Duration,
    /// How long the answer "there is none" is served; it is not cached where this is not set.
    pub none: Option<Duration>,
}

impl Ttl {
    /// The shortest TTL. Redis counts in milliseconds.
    pub const MIN: Duration = Duration::from_millis(1);

    /// The longest TTL: what lives longer than a year is not a cache entry.
    pub const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

    /// Creates a TTL for values.
    pub const fn new(fresh: Duration) -> Self {
        Self { fresh, none: None }
    }

    /// Returns a copy that also caches "there is none".
    #[must_use]
    pub const fn with_none(mut self, none: Duration) -> Self {
        self.none = Some(none);
        self
    }

    /// Checks the bounds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming `what`, if a duration is below [`Ttl::MIN`] or above
    /// [`Ttl::MAX`].
    pub fn checked(self, what: &str) -> Result<Self> {
        for duration in [Some(self.fresh), self.none].into_iter().flatten() {
            if duration < Self::MIN || duration > Self::MAX {
                let text = format!(
                    "{what} is {}: a TTL lies between 1ms and 366 days",
                    duration::shown(duration)
                );
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
    expecting = "a TTL is a duration such as \"5m\", or a table { fresh = \"5m\", none = \"10s\" }"
)]
pub(super) enum Cell {
    Short(Text),
    Long(Long),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Long {
    fresh: Text,
    none: Option<Text>,
}

impl From<Cell> for Ttl {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Short(Text(fresh)) => Self::new(fresh),
            Cell::Long(Long { fresh, none }) => {
                Self { fresh: fresh.0, none: none.map(|none| none.0) }
            }
        }
    }
}
