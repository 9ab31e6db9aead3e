//! What a loader says beside its value.

use std::sync::Arc;

/// A loaded value, and what its loader alone knows of it.
///
/// Returned by the loader of [`Cache::fetch_loaded`](crate::Cache::fetch_loaded).
#[derive(Clone, Debug)]
pub struct Loaded<V> {
    pub(crate) value: Arc<V>,
    pub(crate) tags: Vec<String>,
}

impl<V> Loaded<V> {
    /// Creates it from the value.
    pub fn new(value: impl Into<Arc<V>>) -> Self {
        Self { value: value.into(), tags: Vec::new() }
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
