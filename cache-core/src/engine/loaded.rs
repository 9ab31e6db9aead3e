//! What a loader says beside its value.

use std::sync::Arc;

use crate::policy::{Times, Ttl};

/// A loaded value, and what its loader alone knows of it.
///
/// Returned by the loader of [`Cache::fetch_loaded`](crate::Cache::fetch_loaded).
#[derive(Clone, Debug)]
pub struct Loaded<V> {
    pub(crate) value: Arc<V>,
    pub(crate) tags: Vec<String>,
    pub(crate) times: Times,
    pub(crate) is_cached: bool,
}

impl<V> Loaded<V> {
    /// Creates it from the value.
    pub fn new(value: impl Into<Arc<V>>) -> Self {
        Self { value: value.into(), tags: Vec::new(), times: Times::NONE, is_cached: true }
    }

    /// Says how long this value lives, whatever the call and the table say of the times that `ttl`
    /// sets. Times out of the bounds of a [`Ttl`] are brought within them.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Ttl) -> Self {
        self.times = Times::from(ttl);
        self
    }

    /// Says that this value is not kept: it goes to those who wait for this load, and no further.
    /// What is cached under the key stays.
    #[must_use]
    pub fn uncached(mut self) -> Self {
        self.is_cached = false;
        self
    }

    /// Adds a tag that is known only now, such as the team that a row turned out to belong to.
    ///
    /// If any tag of the namespace is invalidated while a load runs whose tags are new to this
    /// instance, its value is returned but not kept: it cannot be told whether it is from before.
    /// Prefer [`Key::tag`](crate::Key::tag) for tags that are known before.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>) -> Self {
        self.tags.push(name.into());
        self
    }
}
