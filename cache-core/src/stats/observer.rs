//! Who is told what happens in a cache.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::Outcome;
use crate::backend::Backend;
use crate::wire::Flaw;
use crate::{Error, ErrorKind};

/// Is told what happens in a cache: for metrics, logs and alarms of your own.
///
/// Given to [`CacheBuilder::observer`](crate::CacheBuilder::observer). It is told what
/// [`Stats`](crate::Stats) count, at the same places, and never of a key, a user or a value.
///
/// # Contract
///
/// It is called in the middle of a call, and at times under a lock: it must neither block nor panic,
/// and must not ask the cache anything. What takes long belongs into a task of its own.
pub trait Observer: Debug + Send + Sync + 'static {
    /// Returns who is told of the calls of one entity and tier.
    ///
    /// Asked before the first of them, and kept: no call looks it up. Asked once more at most where
    /// two calls are the first, and for 1,024 pairs; the calls of the rest are those of the entity
    /// `(other)`.
    fn line(&self, entity: &str, tier: Option<&str>) -> Arc<dyn LineObserver>;

    /// Takes note of what happens beside the calls. All of it is rare, but in an outage.
    fn note(&self, event: &Event<'_>);
}

/// Is told of the calls of one entity and tier. The contract of [`Observer`] holds here too.
pub trait LineObserver: Debug + Send + Sync + 'static {
    /// Takes note of what happens to a call. A near hit is one of these calls: be quick.
    fn note(&self, event: &LineEvent);
}

/// What happens to the calls of one entity and tier.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineEvent {
    /// A call was answered.
    Answered {
        /// Where the answer came from.
        outcome: Outcome,
        /// How long that took; `None` for a near hit, which asks no clock.
        took: Option<Duration>,
    },
    /// A call took what another's load came to.
    Coalesced,
    /// A call was given its loader's error.
    Failed {
        /// How long that took.
        took: Option<Duration>,
    },
    /// What was loaded was not stored: it was invalidated, or its lease lost, during the load.
    Fenced,
    /// A loader returned an error.
    LoadFailed {
        /// Why it was asked.
        kind: LoadKind,
        /// How long it took.
        took: Duration,
    },
    /// A loader returned a value.
    Loaded {
        /// Why it was asked.
        kind: LoadKind,
        /// How long it took.
        took: Duration,
    },
    /// A loader is asked. It may be dropped, and then no more is told of it.
    Loading {
        /// Why it is asked.
        kind: LoadKind,
    },
    /// A call without a loader found nothing.
    Missed,
    /// A value was encoded for the remote level.
    Stored {
        /// The bytes that the codec wrote.
        payload: usize,
        /// How many of them are left after compression.
        stored: usize,
    },
}

/// Why a loader is asked.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LoadKind {
    /// There is nothing to serve.
    First,
    /// There is something, stale or soon to be.
    Refresh,
}

impl LoadKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::First, Self::Refresh];

    /// Returns the name used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Refresh => "refresh",
        }
    }
}

/// What happens in a cache beside its calls.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A load could not go on without its caller, as there were `background_limit` of them.
    BackgroundRefused,
    /// Stored bytes were a miss.
    Flawed {
        /// Of which entity.
        entity: &'a str,
        /// What is wrong with them.
        flaw: Flaw,
    },
    /// A caller was given an error because its load took longer than `hard_timeout`.
    HardTimeout,
    /// An invalidation was asked for, of keys or of groups.
    Invalidated,
    /// An annotated function succeeded, but what it invalidates could not be told, nor is owed.
    InvalidationLost {
        /// Why.
        error: &'a Error,
    },
    /// The remote level is owed more than `journal_max`: everything ends on its return.
    JournalOverflowed {
        /// What the remote level is, without credentials.
        backend: &'a dyn Backend,
    },
    /// The remote level could not be told of an invalidation, and is owed it.
    Journalled,
    /// A call came under a key longer than [`Key::MAX_LEN`](crate::Key::MAX_LEN).
    KeyTooLong,
    /// A lease was left to end by itself, as there were too many to give back.
    LeaseLeft,
    /// A load runs beyond `load_limit`.
    LoadOverLimit,
    /// A load waits for its turn while the remote level is down.
    LoadQueued,
    /// What was near has ended all at once: changes to it may not have been told.
    NearFlushed,
    /// "There is none" was not cached, as its user has `none_limit` of them.
    NoneOverLimit,
    /// The remote level is given up as down.
    RemoteDown {
        /// What it is, without credentials.
        backend: &'a dyn Backend,
        /// What is wrong, if that is known.
        error: Option<&'a Error>,
    },
    /// An operation of the remote level failed, or took too long.
    RemoteFailed {
        /// How.
        kind: ErrorKind,
    },
    /// An operation of the remote level was not tried, as that is down.
    RemoteRejected,
    /// An operation of the remote level was answered later than `slow_after`.
    RemoteSlow,
    /// The remote level is in use again after an outage.
    RemoteUp {
        /// What it is, without credentials.
        backend: &'a dyn Backend,
    },
    /// The remote level was told of what it was owed.
    Replayed {
        /// How many keys and groups.
        count: u64,
    },
    /// Another server answers than before, or one that may have forgotten: all of the namespace ends.
    ServerChanged {
        /// What the remote level is, without credentials.
        backend: &'a dyn Backend,
        /// The number of its turn.
        turn: u64,
    },
    /// A caller was served a stale value because its load took longer than `soft_timeout`.
    SoftTimeout,
    /// An answer was loaded of which the TTL table does not name tier or entity.
    TtlUnknown,
    /// A value was over `max_value_bytes`: served, not cached.
    ValueTooLarge,
    /// A value cannot be stored, because of its type or its tags: served, and cached near at most.
    ValueUnsupported {
        /// Of which entity.
        entity: &'a str,
        /// Why, without the value.
        error: &'a Error,
    },
    /// A wait for somebody else's load was given up.
    WaitGivenUp,
}
