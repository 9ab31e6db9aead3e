//! What a writer changes: the entries and groups to end.

use std::sync::Arc;

use futures_util::future::join;

use super::{Cache, Invalidation, WriteGuard};
use crate::Result;
use crate::group::Group;
use crate::key::{Key, KeyPart};
use crate::stats::Event;
use crate::tier::Tier;

/// What a writer changes, ended together: single entries, and groups of them.
///
/// ```text
/// cache.changes().key(&profile).user(42).invalidate().await?;
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is ended before `invalidate` or `begin`"]
pub struct Changes {
    pub(super) cache: Cache,
    keys: Vec<Key>,
    groups: Vec<Group>,
}

impl Changes {
    /// Starts an empty list. Prefer [`Cache::changes`].
    #[doc(hidden)]
    pub fn new(cache: &Cache) -> Self {
        Self { cache: cache.clone(), keys: Vec::new(), groups: Vec::new() }
    }

    /// Adds one entry.
    pub fn key(mut self, key: impl AsRef<Key>) -> Self {
        // What is under a key that is too long is never stored.
        self.keys.extend(Some(key.as_ref()).filter(|key| !key.is_too_long()).cloned());
        self
    }

    /// Adds everything of a user, under every tier and in every tenant.
    pub fn user(mut self, user: impl KeyPart) -> Self {
        self.groups.push(self.cache.user_group(user));
        self
    }

    /// Adds everything of a tier.
    pub fn tier(mut self, tier: impl Tier) -> Self {
        self.groups.push(self.cache.tier_group(tier));
        self
    }

    /// Adds everything of an entity.
    pub fn entity(mut self, entity: &str) -> Self {
        self.groups.push(self.cache.entity_group(entity));
        self
    }

    /// Adds everything with a tag.
    pub fn tag(mut self, name: &str) -> Self {
        // What moves with every tag must come first, and once.
        let [any, tag] = self.cache.tag_groups(name);
        if !self.groups.iter().any(|group| group.id() == any.id()) {
            self.groups.insert(0, any);
        }
        self.groups.push(tag);
        self
    }

    /// Adds everything of the namespace.
    pub fn all(mut self) -> Self {
        self.groups.push(Group::all(&self.cache.prefix));
        self
    }

    /// Ends all of them, in one round trip. As [`Cache::invalidate`], for each.
    ///
    /// # Errors
    ///
    /// As [`Cache::invalidate`]. What could be told to the remote level has been.
    pub async fn invalidate(self) -> Result<Invalidation> {
        let engine = &self.cache.engine;
        // Side by side: dropped while the remote level is slow, both have begun here.
        let (keys_told, groups_told) =
            join(engine.invalidate(&self.keys), engine.invalidate_groups(&self.groups)).await;
        Ok(keys_told?.max(groups_told?))
    }

    /// Says that they are about to change: the first half of an invalidation that survives a crash.
    ///
    /// From now until [`WriteGuard::finish`], what is cached of them is gone, and calls are answered
    /// by their loaders and not kept, on every instance. If this process dies in between, that
    /// ends by itself after `guard_ttl`, and nothing from before the change is served then either,
    /// provided that the change was committed by that time.
    ///
    /// ```text
    /// let guard = cache.changes().user(42).begin().await?;
    /// transaction.commit().await?;
    /// guard.finish().await?;
    /// ```
    ///
    /// # Cancellation
    ///
    /// As an error: some of it may hold.
    ///
    /// # Errors
    ///
    /// If the remote level could not be told of all. What it was told of ends by itself after
    /// `guard_ttl`; this instance has forgotten the entries.
    pub async fn begin(self) -> Result<WriteGuard> {
        WriteGuard::raise(self).await
    }

    /// For the macro: a failure is counted and logged, as the writer itself has succeeded.
    #[doc(hidden)]
    pub async fn apply(self) {
        // What is journalled is counted, and logged with the outage.
        let engine = Arc::clone(&self.cache.engine);
        if let Err(error) = self.invalidate().await {
            engine.note(Event::InvalidationLost { error: &error });
        }
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }
}
