//! What one call asks for, where it differs from the table.

use std::time::Duration;

use super::{Ttl, TtlTable};
use crate::Result;

/// Options of one call or one annotated function.
///
/// What is not set here comes from the TTL table.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions {
    fresh: Option<Duration>,
    none: Option<Duration>,
    version: Option<u32>,
}

impl CallOptions {
    /// Takes everything from the TTL table.
    pub const fn table() -> Self {
        Self { fresh: None, none: None, version: None }
    }

    /// Uses `ttl`, whatever the table says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is out of bounds.
    pub fn with_ttl(mut self, ttl: Ttl) -> Result<Self> {
        let ttl = ttl.checked("the TTL of a call")?;
        (self.fresh, self.none) = (Some(ttl.fresh), ttl.none.or(self.none));
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

    /// For the macro, which has checked the durations.
    #[doc(hidden)]
    pub const fn fixed(ttl_ms: u64) -> Self {
        Self { fresh: Some(Duration::from_millis(ttl_ms)), ..Self::table() }
    }

    /// For the macro, which has checked the durations.
    #[doc(hidden)]
    #[must_use]
    pub const fn none_ttl(mut self, ms: u64) -> Self {
        self.none = Some(Duration::from_millis(ms));
        self
    }

    pub(crate) fn schema(&self) -> Option<u32> {
        self.version
    }

    /// Returns the TTL for an escaped tier and entity, and `None` if nothing names one.
    pub(crate) fn ttl(&self, table: &TtlTable, tier: Option<&str>, entity: &str) -> Option<Ttl> {
        let ttl = self.fresh.map(Ttl::new).or_else(|| table.find(tier, entity));
        ttl.map(|ttl| Ttl { none: self.none.or(ttl.none), ..ttl })
    }
}
