//! What stores entries: the trait that Redis, memory and your own store implement.

mod identity;

use std::fmt::{Debug, Display};
use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use identity::Identity;

use crate::group::{Generation, Group};
use crate::key::Key;
use crate::random::random;
use crate::wire::Stamp;
use crate::{ErrorKind, Result};

/// Stores entries under tier-scoped keys for a limited time, and lets nobody fill without a right.
///
/// An entry is opaque bytes that begin with a [`Stamp`]. A *lease* is a placeholder entry that one
/// caller puts where nothing is; it fills by replacing the lease, and an invalidation in between
/// removes the lease, so that the late fill is refused.
///
/// # Contract
///
/// * Nothing is returned after its TTL, by this or any other handle.
/// * `get` with a [`LeaseRequest`] gives each missing key's lease to one caller at a time.
/// * `set` under [`SetMode::IfStamp`] compares and writes in one atomic step.
/// * `invalidate` removes entries, leases and bytes of strangers alike; when it has returned, no
///   `get` that starts afterwards, on any handle, sees what was there, and no fill under an older
///   stamp succeeds. With a hold it leaves a tombstone, under which nobody gets a lease.
/// * A group whose generation is not stored has a fresh random one from the next `generations` on;
///   forgetting one costs misses, never staleness.
/// * Answers are in the order of the keys or groups asked for, one for each. Keys that cannot be
///   reached fail alone.
/// * Dropping a returned future may or may not perform the operation, but never half of it.
/// * An operation that cannot reach the store fails at once; it does not wait for a reconnect.
/// * Errors carry no keys, values or secrets.
///
/// Prove it with `cache_core::conformance!` (feature `test-util`).
///
/// # Wrappers
///
/// A wrapper forwards *every* method; put `#[deny(clippy::missing_trait_methods)]` on the impl.
#[async_trait]
pub trait Backend: Debug + Display + Send + Sync + 'static {
    /// Returns what this backend can do. Must not change over its life.
    fn capabilities(&self) -> Capabilities;

    /// Reads the entries of `keys`; takes the lease of those that are missing if `lease` asks so.
    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>>;

    /// Writes one entry, under the condition and for the time that `options` state.
    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome>;

    /// Whether what is stored under `key` begins with `stamp`.
    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool>;

    /// Removes what is stored under `keys`, leases included.
    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>>;

    /// Removes what is stored under `key` if it begins with `stamp`: gives a lease back.
    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()>;

    /// Returns the generations of `groups`; a missing one is created, to be kept as
    /// [`Group::keep_for`] says.
    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>>;

    /// Gives every one of `groups` a generation that it never had, one after the other: when one
    /// is seen, those before it are too.
    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()>;

    /// Finds out who the store is, and gives `all`, the group of everything, another generation
    /// if the store may have forgotten what it was told since it was `seen`.
    ///
    /// [`Identity::succeeds`] says when that is not needed, so that of many instances one does it.
    /// Comparing and writing are one atomic step. Asked before anything else after
    /// [`News::Stranger`], and of stores that are [shared](Capabilities::shared) at first.
    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity>;

    /// Tells `listener` what others change, from now on.
    ///
    /// Called at most once, before any other operation. A backend that cannot tell does nothing;
    /// near entries are then trusted only for a short time.
    fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>);

    /// Asks whether the store answers, at the cost of one round trip.
    async fn ping(&self) -> Result<()>;

    /// Ends connections and background work. Later calls fail.
    async fn close(&self);
}

/// Hears what others change in a shared store.
///
/// Calls come in the order in which the store performed the changes. What was changed after an answer
/// was made is heard after that answer; what was changed at the same moment may be too. They do not
/// block.
pub trait Listener: Debug + Send + Sync {
    /// Takes note of news.
    fn hear(&self, news: News<'_>);
}

/// What a [`Listener`] hears.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum News<'a> {
    /// The store was heard, and nothing changed.
    Alive,
    /// What is under this key was written or removed, was evicted or has expired; not by this
    /// backend, but for the writes that [`SetOutcome::Echoed`] announces.
    Changed(&'a [u8]),
    /// Changes may have been missed, and more will be: there is no connection, or it is silent.
    Deaf,
    /// Everything was changed at once.
    Flushed,
    /// From now on every change is told. What was read before may be old.
    Listening,
    /// From now on some changes are told, such as those that other instances of this library make.
    /// Near entries are trusted as little as if nothing were told, but end at once when it is.
    Partly,
    /// From now on the answers are those of another server, or of one that may have forgotten what
    /// it was told. Nothing is read from it before [`Backend::identify`] has succeeded.
    Stranger,
}

/// What to listen to, and how well.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// What the keys begin with.
    pub prefix: Vec<u8>,
    /// How long the store may be silent before that counts as [`News::Deaf`].
    pub max_silence: Duration,
}

impl ListenOptions {
    /// Creates options.
    pub fn new(prefix: impl Into<Vec<u8>>, max_silence: Duration) -> Self {
        Self { prefix: prefix.into(), max_silence }
    }
}

/// What a backend can do. The engine copes with what it cannot.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    /// Reads may return what was removed a moment ago, such as those of replicas. The engine then
    /// keeps near copies for a short time only.
    pub lagging: bool,
    /// Other processes read and write the same entries.
    pub shared: bool,
}

impl Capabilities {
    /// Describes a store that lives in this process.
    pub const fn local() -> Self {
        Self { lagging: false, shared: false }
    }

    /// Describes a store that other processes use too.
    pub const fn shared() -> Self {
        Self { lagging: false, shared: true }
    }

    /// Returns these capabilities for a store whose reads may be behind its writes.
    #[must_use]
    pub const fn lagging(mut self) -> Self {
        self.lagging = true;
        self
    }
}

/// Asks for the right to fill the keys that are missing.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct LeaseRequest {
    /// The stamp of the placeholder: [`Stamp::lease`] of a random token.
    pub stamp: Stamp,
    /// How long the placeholder stays if nobody fills or releases it.
    pub ttl: Duration,
}

impl LeaseRequest {
    /// Asks under a token that nobody used before.
    pub fn new(ttl: Duration) -> Self {
        Self { stamp: Stamp::lease(random()), ttl }
    }
}

/// What was found under one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Slot {
    /// Something that is not an entry and cannot be compared, such as a Redis list.
    Alien,
    /// Nothing yet: somebody else holds the lease.
    Busy,
    /// Stored bytes: an entry, or whatever somebody else wrote there.
    Entry(Bytes),
    /// Nothing, and nobody may fill it for now: a tombstone.
    Held,
    /// Nothing, and the lease asked for is now held.
    Leased,
    /// Nothing, and no lease was asked for.
    Missing,
}

/// How to write one entry. A struct, so that the next option breaks no implementer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct SetOptions {
    /// How long the backend keeps the entry.
    pub ttl: Duration,
    /// What must be there for the write to happen.
    pub mode: SetMode,
}

impl SetOptions {
    /// Creates options.
    pub const fn new(ttl: Duration, mode: SetMode) -> Self {
        Self { ttl, mode }
    }
}

/// How to remove entries.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default)]
pub struct InvalidateOptions {
    /// The tombstone that stays in the place of what was removed, if any.
    pub hold: Option<Tombstone>,
}

impl InvalidateOptions {
    /// Creates options; without a hold nothing stays.
    pub fn new(hold: Option<Duration>) -> Self {
        Self { hold: hold.map(Tombstone::new) }
    }
}

/// Keeps a key from being filled for a time.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Tombstone {
    /// What is stored: [`Stamp::tombstone`] of a random number, and nothing else.
    pub stamp: Stamp,
    /// How long it stays if nobody removes it.
    pub ttl: Duration,
}

impl Tombstone {
    /// Creates a tombstone that nobody has used before.
    pub fn new(ttl: Duration) -> Self {
        Self { stamp: Stamp::tombstone(random()), ttl }
    }
}

/// How to give groups other generations.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct AdvanceOptions {
    /// How long the new generation is kept, as [`Group::keep_for`] says.
    pub ttl: Duration,
    /// How long a held generation ([`Generation::held`]) stays instead; then the group has none.
    pub hold: Option<Duration>,
}

impl AdvanceOptions {
    /// Creates options without a hold.
    pub const fn new(ttl: Duration) -> Self {
        Self { ttl, hold: None }
    }

    /// Sets how long nothing of the groups may be kept.
    #[must_use]
    pub const fn hold(mut self, hold: Option<Duration>) -> Self {
        self.hold = hold;
        self
    }

    /// Returns what to store for `group`, and for how long.
    pub fn next(&self, group: &Group) -> (Generation, Duration) {
        match self.hold {
            Some(hold) => (Generation::held(), hold),
            None => (Generation::fresh(), group.keep_for(self.ttl)),
        }
    }
}

/// What must be stored for a write to happen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SetMode {
    /// Anything or nothing. The engine writes only leases this way, never values.
    Always,
    /// Bytes that begin with this stamp.
    IfStamp(Stamp),
}

/// What a write did.
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SetOutcome {
    /// As [`Stored`](Self::Stored), and [`News::Changed`] of this very write will come, before the
    /// answer to whatever is asked next.
    ///
    /// Redis tells a client of what its own scripts write, in spite of `NOLOOP`. Such news are not
    /// ignored, as they may stand for somebody else's change at the same moment too. The engine
    /// asks afterwards, by [`Backend::holds`], whether its write is still there.
    Echoed,
    /// Something else was there, or nothing any more; nothing was written.
    Refused,
    /// The entry is now stored.
    Stored,
}

/// Whether an error says that the store is unwell, rather than that we asked wrongly.
pub(crate) fn is_outage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Backend | ErrorKind::Timeout)
}
