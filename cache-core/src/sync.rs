//! What threads share through: the standard library's, or loom's in models, which tries every order.

#[cfg(all(test, model))]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
#[cfg(not(all(test, model)))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

/// Returns how many stripes or shards to have. Models have few: every run makes them anew.
pub(crate) const fn many(count: usize) -> usize {
    if cfg!(all(test, model)) { 8 } else { count }
}
