//! What a call gets.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::flight::Shared;
use crate::stats::Outcome;

/// A type that can be cached: it can be written, read back and shared between threads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "this is what the cache would have to store",
    note = "a cached value implements `serde::Serialize` and `serde::de::DeserializeOwned`, and is `Send + Sync + 'static`",
    note = "a function that returns `Arc<T>`, `Option<T>` or `Result<T, E>` caches the `T`"
)]
pub trait Value: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Value for T {}

/// A value and where it came from.
#[non_exhaustive]
#[derive(Debug)]
pub struct Answer<V> {
    /// The value, shared with the near level.
    pub value: Arc<V>,
    /// Where it came from.
    pub outcome: Outcome,
    /// Whether it is to be refreshed, though it need not be stale.
    pub(crate) is_due: bool,
}

impl<V> Clone for Answer<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

impl<V> Answer<V> {
    pub(crate) fn new(value: Arc<V>, outcome: Outcome) -> Self {
        Self { value, outcome, is_due: outcome == Outcome::Stale }
    }
}

/// How the callers of one load share its error, if its type allows that.
pub(crate) struct Sharing<E> {
    pub(crate) pack: fn(&E) -> Option<Shared>,
    pub(crate) unpack: fn(&Shared) -> Option<E>,
}

impl<E> Sharing<E> {
    /// For errors that cannot be cloned: every waiting caller finds out for itself.
    pub(crate) const NONE: Self = Self { pack: |_| None, unpack: |_| None };
}

impl<E: Clone + Send + Sync + 'static> Sharing<E> {
    /// For errors that can be cloned.
    pub(crate) const CLONED: Self = Self {
        pack: |error| Some(Arc::new(error.clone())),
        unpack: |shared| shared.downcast_ref::<E>().cloned(),
    };
}
