//! A ticket: the right to fill one key, given back if it is not used.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::numbers::Generations;
use super::remote::Remote;
use crate::backend::SetOutcome;
use crate::key::Key;
use crate::wire::Stamp;

/// The right to fill one key: our lease is in its place, or may be.
///
/// # Cancellation
///
/// Dropping a ticket gives the lease back in the background, so that the next caller can load at
/// once. Without a runtime to do so, the lease ends by its own TTL.
pub(crate) struct Ticket {
    remote: Arc<Remote>,
    key: Key,
    stamp: Stamp,
    generations: Generations,
    armed: bool,
}

impl Ticket {
    pub(super) fn new(remote: &Arc<Remote>, key: &Key, stamp: Stamp) -> Self {
        let (remote, key) = (Arc::clone(remote), key.clone());
        Self { remote, key, stamp, generations: Generations::default(), armed: true }
    }

    /// Returns the ticket for a load that begins under `generations`.
    pub(super) fn under(mut self, generations: Generations) -> Self {
        self.generations = generations;
        self
    }

    /// Gives up a lease that was not taken.
    pub(super) fn disarm(mut self) {
        self.armed = false;
    }

    /// As [`disarm`](Self::disarm), with an answer to go on with.
    pub(super) fn disarmed<T>(self, answer: T) -> T {
        self.disarm();
        answer
    }

    /// Returns the generations that the load began under.
    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
    }

    /// Puts `entry` in the lease's place; refused if the lease is gone. An error leaves it open
    /// whether the entry was stored: if so, it was under the lease.
    pub(crate) async fn fill(mut self, entry: Bytes, ttl: Duration) -> crate::Result<SetOutcome> {
        let outcome = self.remote.replace(&self.key, entry, self.stamp, ttl).await?;
        self.armed = false;
        Ok(outcome)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let remote = Arc::downgrade(&self.remote);
            runtime.spawn(Remote::release(remote, self.key.clone(), self.stamp));
        }
    }
}
