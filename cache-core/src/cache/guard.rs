//! The guard of a write: an invalidation in two halves, around the commit.

use futures_util::future::join;

use super::{Changes, Invalidation};
use crate::Result;

/// Keeps what is about to change out of the cache, on every instance, until it has changed.
///
/// Made by [`Changes::begin`]. Whoever else invalidates or sets the same keys, or invalidates the same
/// groups, in the meantime ends the protection that this guard gives against a crash, and nothing
/// else; so does another guard of them that finishes.
///
/// # Cancellation
///
/// Dropped without [`finish`](Self::finish), this instance forgets the entries once more, and the
/// remote level keeps none of them until `guard_ttl` has passed.
#[derive(Debug)]
#[must_use = "call `finish` after the commit"]
pub struct WriteGuard {
    changes: Changes,
}

impl WriteGuard {
    pub(super) async fn raise(changes: Changes) -> Result<Self> {
        let guard = Self { changes };
        let (engine, keys, groups) = guard.parts();
        let (keys_told, groups_told) = join(engine.hold(keys), engine.hold_groups(groups)).await;
        keys_told.and(groups_told)?;
        Ok(guard)
    }

    /// Lets entries be kept again, all of them loaded from now on. To be called after the commit,
    /// and after a roll-back too.
    ///
    /// # Errors
    ///
    /// As [`Changes::invalidate`]; until the remote level is told, it keeps none of the entries, for
    /// `guard_ttl` since the beginning at most.
    pub async fn finish(self) -> Result<Invalidation> {
        let (engine, keys, groups) = self.parts();
        let (keys_told, groups_told) =
            join(engine.invalidate(keys), engine.invalidate_groups(groups)).await;
        Ok(keys_told?.max(groups_told?))
    }

    fn parts(&self) -> (&crate::engine::Engine, &[crate::key::Key], &[crate::group::Group]) {
        (&self.changes.cache.engine, self.changes.keys(), self.changes.groups())
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        let (engine, keys, groups) = self.parts();
        engine.forget(keys, groups);
    }
}
