//! What writers ask for: set and invalidate.

use std::sync::Arc;
use std::time::Duration;

use super::answer::{Answer, Value};
use super::keep::{Backing, NearCopy};
use super::{Call, Engine};
use crate::group::Group;
use crate::key::Key;
use crate::policy::CallOptions;
use crate::{Error, ErrorKind, Result};

impl Engine {
    /// Answers from near or remote, never from a loader.
    pub(crate) async fn get<V: Value>(
        &self,
        key: &Key,
        options: &CallOptions,
    ) -> Option<Answer<V>> {
        let counters = self.counters.entities.of(key.entity());
        let call = Call { key, options, counters: &counters };
        let found = if key.is_too_long() {
            self.counters.keys_too_long.add_one();
            None
        } else {
            self.peek(call).await
        };
        match &found {
            Some(answer) => counters.answered(answer.outcome),
            None => counters.missed.add_one(),
        }
        found
    }

    /// Stores a value that its writer knows to be true.
    pub(crate) async fn set<V: Value>(
        &self,
        key: &Key,
        value: &Arc<V>,
        options: &CallOptions,
    ) -> Result<()> {
        if key.is_too_long() {
            let text = format!("the key is longer than {} bytes", Key::MAX_LEN);
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let counters = self.counters.entities.of(key.entity());
        let call = Call { key, options, counters: &counters };
        let result = self.write(call, value).await;
        result.inspect_err(|error| self.note_unstorable(call, error))
    }

    async fn write<V: Value>(&self, call: Call<'_>, value: &Arc<V>) -> Result<()> {
        let keys = std::slice::from_ref(call.key);
        let mut fence = Fence::raise(self, Cover::Keys(keys));
        let measure = self.measure(&**value)?;
        let Some(fresh) = self.lifetime(call, measure) else { return self.tell_keys(keys).await };
        let snapshot = self.fences.snapshot(call.key);
        let settled = match &self.remote {
            None => Some(snapshot),
            Some(remote) => {
                let ticket = remote.seize(call.key).await?;
                let filled = self.fill(call, &**value, fresh, Duration::ZERO, ticket).await?;
                self.settled(call, filled, &snapshot).await
            }
        };
        let Some(snapshot) = settled else { return Ok(()) };
        fence.lowered = true;
        let is_alone = self.fences.bump_key_of(call.key, &snapshot);
        self.near.iter().for_each(|near| near.remove(call.key.as_bytes()));
        // If nobody else wrote or invalidated in the meantime, here or elsewhere, it is the newest.
        if is_alone {
            let copy = NearCopy { weight: measure.weight, fresh, backing: Backing::Remote };
            self.keep_near(call, value, copy, &snapshot);
        }
        Ok(())
    }

    /// Ends what is cached under `keys`, here at once, then in the remote level.
    pub(crate) async fn invalidate(&self, keys: &[Key]) -> Result<()> {
        let _fence = Fence::raise(self, Cover::Keys(keys));
        self.tell_keys(keys).await
    }

    /// Ends what is cached for `groups`, here at once, then in the remote level.
    pub(crate) async fn invalidate_groups(&self, groups: &[Group]) -> Result<()> {
        let _fence = Fence::raise(self, Cover::Groups(groups));
        self.counters.invalidations.add_one();
        let told = match &self.remote {
            Some(remote) => remote.advance(groups).await,
            None => Ok(()),
        };
        told.map_err(|cause| self.untold(cause))
    }

    async fn peek<V: Value>(&self, call: Call<'_>) -> Option<Answer<V>> {
        let snapshot = self.fences.snapshot(call.key);
        let keys = std::slice::from_ref(call.key);
        let (stored, generations) = self.remote.as_ref()?.peek_many(keys).await.pop()??;
        let answer = self.open(call, &snapshot, &stored, &generations);
        answer.map_err(|unusable| self.note_unusable(call, unusable)).ok()
    }

    async fn tell_keys(&self, keys: &[Key]) -> Result<()> {
        self.counters.invalidations.add_one();
        let told = match &self.remote {
            Some(remote) => remote.invalidate(keys).await,
            None => Ok(()),
        };
        told.map_err(|cause| self.untold(cause))
    }

    fn untold(&self, cause: Error) -> Error {
        self.counters.invalidations_failed.add_one();
        let text = "this instance forgot the entry, but the remote level could not be told: \
                    it may serve the old one until its TTL ends";
        Error::new(cause.kind(), text).with_source(cause)
    }
}

/// What an invalidation covers.
#[derive(Clone, Copy)]
enum Cover<'a> {
    Groups(&'a [Group]),
    Keys(&'a [Key]),
}

/// Bumps the fences before the remote level is told, and again when that is over.
///
/// Without the first, readers here would go on until the remote level has answered. Without the
/// second, a reader could pull the old remote value back in between and keep it.
///
/// # Cancellation
///
/// A writer dropped half-way still bumps the second time.
struct Fence<'a> {
    engine: &'a Engine,
    cover: Cover<'a>,
    lowered: bool,
}

impl<'a> Fence<'a> {
    fn raise(engine: &'a Engine, cover: Cover<'a>) -> Self {
        let fence = Self { engine, cover, lowered: false };
        fence.bump();
        fence
    }

    fn bump(&self) {
        match self.cover {
            Cover::Groups(groups) => {
                groups.iter().for_each(|group| self.engine.fences.bump_group(group.as_bytes()));
            }
            Cover::Keys(keys) => keys.iter().for_each(|key| {
                self.engine.fences.bump_key(key.as_bytes());
                self.engine.near.iter().for_each(|near| near.remove(key.as_bytes()));
            }),
        }
    }
}

impl Drop for Fence<'_> {
    fn drop(&mut self) {
        if !self.lowered {
            self.bump();
        }
    }
}
