//! What writers ask for: set and invalidate.

use std::sync::Arc;

use super::answer::{Answer, Value};
use super::{Call, Engine};
use crate::group::Group;
use crate::key::Key;
use crate::policy::CallOptions;
use crate::stats::Outcome;
use crate::{Error, ErrorKind, Result};

impl Engine {
    /// Answers from near or remote, never from a loader.
    pub(crate) async fn get<V: Value>(
        &self,
        key: &Key,
        options: &CallOptions,
    ) -> Option<Answer<V>> {
        if key.is_too_long() {
            self.counters.keys_too_long.add_one();
            return None;
        }
        let counters = self.counters.entities.of(key.entity());
        let call = Call { key, options, counters: &counters };
        let found = self.peek(call).await;
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
        let mut fence = Fence::raise(self, Cover::Keys(std::slice::from_ref(key)));
        let Some(fresh) = self.lifetime(call, &**value) else {
            return self.tell_keys(std::slice::from_ref(key)).await;
        };
        let mut snapshot = self.fences.snapshot(key);
        self.fill_as_writer(call, &**value, fresh).await?;
        fence.lowered = true;
        // If nobody else invalidated in the meantime, the value is also the newest here.
        if self.fences.bump_key_of(key, &mut snapshot) {
            self.keep_near(call, value, fresh, &snapshot);
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
        let (stored, generations) = self.remote.as_ref()?.peek(call.key).await?;
        match self.packer.unpack::<V>(&stored, call.key, call.options.schema(), &generations) {
            Ok((value, left)) => {
                let value = Arc::new(value);
                self.keep_near(call, &value, left, &snapshot);
                Some(Answer::new(value, Outcome::RemoteHit))
            }
            Err(unusable) => {
                self.note_unusable(call, unusable);
                None
            }
        }
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
