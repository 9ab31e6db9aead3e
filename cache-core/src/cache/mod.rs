//! The handle that users hold.

mod advice;
pub(crate) mod builder;
mod changes;
mod guard;
mod invalidation;
mod owned;
mod table;
mod warm;
mod warmups;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

pub use builder::CacheBuilder;
pub use changes::Changes;
pub use guard::WriteGuard;
pub use invalidation::Invalidation;
pub use warm::{Progress, Warming};
pub use warmups::{Started, WarmHealth, Warmups};

use crate::Result;
use crate::engine::answer::{Answer, Sharing, Value};
use crate::engine::loaded::Loaded;
use crate::engine::{Asked, Engine, Probe};
use crate::group::Group;
use crate::key::{Key, KeyPart, KeyWriter, escaped};
use crate::policy::CallOptions;
use crate::stats::{Closed, Health, Stats};
use crate::tier::Tier;

/// A cache-aside cache: near level, remote level, and the rules between them.
///
/// `Clone` clones the handle. All clones share one state; several caches of one process, even of
/// one namespace, share nothing but the remote level.
///
/// # Failure
///
/// No method that is given a loader returns an error of the cache: with the remote level away, the
/// caller gets the loader's answer. What `set` and `invalidate…` could not tell the remote level is
/// told before what has ended is read from it again ([`Invalidation::Journalled`]); with
/// [`InvalidatePolicy::Strict`](crate::InvalidatePolicy::Strict) they return an error as well.
#[derive(Clone)]
pub struct Cache {
    engine: Arc<Engine>,
    prefix: Arc<[u8]>,
    _last: Arc<Last>,
}

/// Dropped with the last handle, which ends the loads that go on without their callers.
struct Last(Arc<Engine>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Cache {
    fn new(engine: Arc<Engine>, prefix: &[u8]) -> Self {
        let _last = Arc::new(Last(Arc::clone(&engine)));
        Self { engine, prefix: prefix.into(), _last }
    }

    /// Starts a cache for an application's namespace, such as `"atlas"`.
    pub fn builder(namespace: &str) -> CacheBuilder {
        CacheBuilder::new(namespace)
    }

    /// Starts the key of an entry; an entity is a kind of thing, such as `"profile"`.
    pub fn key(&self, entity: &str) -> Key {
        Key::new(&self.prefix, |text| text.name(entity))
    }

    /// Returns the value of `key`, from near or remote, or else what `load` returns.
    ///
    /// Concurrent callers of one key share one load, across instances where there is a remote
    /// level. An error of the loader is returned as it is and never cached.
    ///
    /// # Cancellation
    ///
    /// Dropping the future of the caller that loads drops its loader; another waiting caller then
    /// starts its own.
    ///
    /// # Errors
    ///
    /// Those of `load`, no others.
    pub async fn get_or_load<V, E, F, Fut>(&self, key: &Key, load: F) -> Result<Arc<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<V, E>> + Send,
        E: Send,
    {
        Ok(self.fetch(key, &CallOptions::table(), load).await?.value)
    }

    /// As [`get_or_load`](Self::get_or_load), under options, and telling where the answer is from.
    ///
    /// # Errors
    ///
    /// Those of `load`, no others.
    pub async fn fetch<V, E, F, Fut>(
        &self,
        key: &Key,
        options: &CallOptions,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<V, E>> + Send,
        E: Send,
    {
        let load = || async { load().await.map(Arc::new) };
        self.fetch_shared(key, options, Sharing::NONE, load).await
    }

    pub(crate) async fn fetch_shared<V, E, F, Fut>(
        &self,
        key: &Key,
        options: &CallOptions,
        sharing: Sharing<E>,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Arc<V>, E>> + Send,
        E: Send,
    {
        let stale = match self.engine.near(key) {
            Probe::Hit(answer) => return Ok(answer),
            Probe::Missing => None,
            Probe::Stale(value) => Some(value),
        };
        let asked = Asked { options, late_tags: false };
        let load = || async { load().await.map(Loaded::new) };
        self.engine.fetch(key, asked, sharing, stale, load).await
    }

    /// As [`fetch`](Self::fetch), for a loader that knows more than the value, such as its tags.
    ///
    /// # Errors
    ///
    /// Those of `load`, no others.
    pub async fn fetch_loaded<V, E, F, Fut>(
        &self,
        key: &Key,
        options: &CallOptions,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let stale = match self.engine.near(key) {
            Probe::Hit(answer) => return Ok(answer),
            Probe::Missing => None,
            Probe::Stale(value) => Some(value),
        };
        let asked = Asked { options, late_tags: true };
        self.engine.fetch(key, asked, Sharing::NONE, stale, load).await
    }

    /// Returns the value of `key` if there is one.
    ///
    /// A remote level that is away counts as having none; its failures are in [`stats`](Self::stats).
    ///
    /// # Errors
    ///
    /// None at present: the `Result` is there for backends that refuse the question itself.
    pub async fn get<V: Value>(&self, key: &Key) -> Result<Option<Arc<V>>> {
        if let Some(answer) = self.engine.near_hit(key) {
            return Ok(Some(answer.value));
        }
        Ok(self.engine.get(key, &CallOptions::table()).await.map(|answer| answer.value))
    }

    /// Returns the values of `keys`, in their order; `None` where there is none.
    ///
    /// Asks the remote level once for all that are not near. Keys that it cannot reach count as
    /// having no value.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn get_many<V: Value>(&self, keys: &[Key]) -> Result<Vec<Option<Arc<V>>>> {
        Ok(self.engine.get_many(keys).await)
    }

    /// Returns the values of `keys`, in their order, and asks `load` once for all that are missing.
    ///
    /// `load` is given the places of the missing keys in `keys`, ascending, and returns a value for
    /// each of them, in that order; `None`, or an end before the last, says that there is none, and
    /// is not cached. The answer has `None` at the same places.
    ///
    /// Loads of the same keys by others are shared, here and on other instances. Where one of those
    /// fails, or outlasts `wait`, `load` is called once more.
    ///
    /// ```text
    /// let users = cache.get_or_load_many(&keys, |missing| db.load_users(missing.iter().map(|at| ids[*at]))).await?;
    /// ```
    ///
    /// # Cancellation
    ///
    /// As [`get_or_load`](Self::get_or_load), for each key.
    ///
    /// # Errors
    ///
    /// Those of `load`, no others. Values that were found are then not returned either.
    pub async fn get_or_load_many<V, E, F, Fut>(
        &self,
        keys: &[Key],
        load: F,
    ) -> Result<Vec<Option<Arc<V>>>, E>
    where
        V: Value,
        F: Fn(Vec<usize>) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Vec<Option<V>>, E>> + Send,
        E: Send,
    {
        self.engine.fetch_many(keys, &CallOptions::table(), load).await
    }

    /// Stores a value that the caller knows to be true, in the place of whatever is there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the key is too long,
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if the value is,
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the codec
    /// cannot store the type, [`ErrorKind::Config`](crate::ErrorKind::Config) if the TTL table is
    /// [strict](crate::TtlTable::strict) and does not name it, otherwise those of the remote level.
    /// In each case this instance no longer has the old value.
    pub async fn set<V: Value>(&self, key: &Key, value: Arc<V>) -> Result<()> {
        self.engine.set(key, &value, &CallOptions::table()).await
    }

    /// Ends the entry of `key`.
    ///
    /// Once this has returned, no later call on this instance returns a value whose load, or whose
    /// read from the remote level, began before.
    ///
    /// # Cancellation
    ///
    /// Dropped half-way, this instance has forgotten the entry, and tells the remote level before it
    /// reads from it again.
    ///
    /// # Errors
    ///
    /// If the remote level could not be told, and the settings are
    /// [`Strict`](crate::InvalidatePolicy::Strict) or the cache is closed. This instance has
    /// forgotten the entry all the same.
    pub async fn invalidate(&self, key: &Key) -> Result<Invalidation> {
        self.invalidate_many(std::slice::from_ref(key)).await
    }

    /// Ends the entries of `keys`, in one round trip to each node of the remote level.
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate), and how many of the keys that concerns; the others have
    /// ended everywhere.
    pub async fn invalidate_many(&self, keys: &[Key]) -> Result<Invalidation> {
        if keys.iter().any(Key::is_too_long) {
            let short: Vec<Key> = keys.iter().filter(|key| !key.is_too_long()).cloned().collect();
            return self.engine.invalidate(&short).await;
        }
        self.engine.invalidate(keys).await
    }

    /// Starts a list of what a writer changes, to be ended together or guarded around a commit.
    pub fn changes(&self) -> Changes {
        Changes::new(self)
    }

    /// Ends everything cached for a user, under every tier and in every tenant. O(1).
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub async fn invalidate_user(&self, user: impl KeyPart) -> Result<Invalidation> {
        self.invalidate_groups(&[self.user_group(user)]).await
    }

    /// Ends everything cached for one entity. O(1).
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub async fn invalidate_entity(&self, entity: &str) -> Result<Invalidation> {
        self.invalidate_groups(&[self.entity_group(entity)]).await
    }

    /// Ends everything cached for one tier. O(1).
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub async fn invalidate_tier(&self, tier: impl Tier) -> Result<Invalidation> {
        self.invalidate_groups(&[self.tier_group(tier)]).await
    }

    /// Ends everything that was loaded with a tag, by [`Key::tag`] or [`Loaded::tag`]. O(1).
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub async fn invalidate_tag(&self, name: &str) -> Result<Invalidation> {
        self.invalidate_groups(&self.tag_groups(name)).await
    }

    /// Ends everything cached under the namespace. O(1).
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub async fn clear(&self) -> Result<Invalidation> {
        self.invalidate_groups(&[Group::all(&self.prefix)]).await
    }

    /// Returns a reading of every counter.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Tells whether the levels are in use.
    pub async fn health(&self) -> Health {
        self.engine.health()
    }

    /// Sets the gauges of the `metrics` facade to what [`stats`](Self::stats) and
    /// [`health`](Self::health) say now. To be called before each scrape, or every few seconds.
    ///
    /// Two caches of one process have the same gauges: the last call wins.
    #[cfg(feature = "metrics")]
    pub fn record_gauges(&self) {
        crate::stats::record_gauges(&self.stats(), &self.engine.health());
    }

    /// Tells the remote level what it is owed, ends connections and background work, and says what
    /// was left. Later calls are answered near or by their loaders; invalidations fail.
    ///
    /// Takes `close_timeout` at most, and a moment if nothing is owed.
    ///
    /// # Cancellation
    ///
    /// Dropped half-way, the cache stays in use.
    pub async fn close(&self) -> Closed {
        self.engine.close().await
    }

    pub(crate) fn key_with(&self, entity: impl FnOnce(&mut KeyWriter)) -> Key {
        Key::new(&self.prefix, entity)
    }

    pub(crate) async fn invalidate_groups(&self, groups: &[Group]) -> Result<Invalidation> {
        self.engine.invalidate_groups(groups).await
    }

    pub(crate) fn user_group(&self, user: impl KeyPart) -> Group {
        let key = self.key("").user(user);
        Group::user(&self.prefix, key.user_bytes())
    }

    pub(crate) fn entity_group(&self, entity: &str) -> Group {
        Group::entity(&self.prefix, self.key(entity).entity_name().as_bytes())
    }

    /// The group of a tag, behind the one that moves with every tag.
    pub(crate) fn tag_groups(&self, name: &str) -> [Group; 2] {
        let tag = Group::tag(&self.prefix, escaped(name).as_bytes());
        [Group::any_tag(&self.prefix), tag]
    }

    pub(crate) fn tier_group(&self, tier: impl Tier) -> Group {
        let key = self.key("").tier(tier);
        Group::tier(&self.prefix, key.tier_name().unwrap_or_default().as_bytes())
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = String::from_utf8_lossy(&self.prefix);
        f.debug_struct("Cache").field("namespace", &namespace).finish_non_exhaustive()
    }
}
