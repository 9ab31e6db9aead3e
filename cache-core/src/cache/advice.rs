//! What a cache says of its own settings.

use super::Cache;
use crate::policy::Advice;

impl Cache {
    /// Returns what is allowed and known to go wrong in the way this cache was built; after the remote
    /// level was first asked for something, also in how that is set up.
    ///
    /// Each is logged once, unless [`Settings::advice`](crate::Settings) is off.
    pub fn advice(&self) -> Vec<Advice> {
        self.engine.advice()
    }
}
