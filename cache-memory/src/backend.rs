//! The in-memory backend.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cache_core::backend::{
    AdvanceOptions, Capabilities, Identity, InvalidateOptions, LeaseRequest, ListenOptions,
    Listener, SetMode, SetOptions, SetOutcome, Slot, Tombstone,
};
use cache_core::wire::{Mark, Stamp};
use cache_core::{
    Backend, Clock, Error, ErrorKind, Generation, Group, Key, NearEntry, Result, SystemClock,
};
use moka::ops::compute::{CompResult, Op};
use moka::sync::Cache;

use crate::key::{KeptHash, Name, NameRef};
use crate::near;

/// Memory within a byte budget: a near level, or a backend like any other.
///
/// `Clone` clones the handle and not the data. What is kept as a near level and what is kept as a
/// backend are apart and have the budget each; the tables are made when they are first used.
///
/// When the budget is used up, entries that are asked for least make room; see
/// [moka](https://docs.rs/moka) for its policy (window TinyLFU).
#[derive(Clone)]
pub struct MemoryBackend {
    inner: Arc<Inner>,
}

struct Inner {
    max_bytes: u64,
    clock: Arc<dyn Clock>,
    closed: AtomicBool,
    /// Who it is to the users of each namespace.
    identities: Mutex<HashMap<u64, Identity>>,
    values: OnceLock<Cache<Name, Arc<NearEntry>, KeptHash>>,
    entries: OnceLock<Cache<Name, Stored, KeptHash>>,
}

/// Bytes and the end of their life.
#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    expires: Duration,
}

impl MemoryBackend {
    /// Creates memory that keeps at most about `max_bytes`.
    pub fn with_max_bytes(max_bytes: u64) -> Self {
        Self::with_clock(max_bytes, Arc::new(SystemClock))
    }

    /// As [`with_max_bytes`](Self::with_max_bytes), with entries that expire by `clock`.
    pub fn with_clock(max_bytes: u64, clock: Arc<dyn Clock>) -> Self {
        let (closed, identities) = (AtomicBool::new(false), Mutex::default());
        let (values, entries) = (OnceLock::new(), OnceLock::new());
        let inner = Inner { max_bytes, clock, closed, identities, values, entries };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn values(&self) -> &Cache<Name, Arc<NearEntry>, KeptHash> {
        self.inner.values.get_or_init(|| near::table(self.inner.max_bytes))
    }

    fn entries(&self) -> Result<&Cache<Name, Stored, KeptHash>> {
        if self.inner.closed.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Backend, "the memory backend is closed"));
        }
        Ok(self.inner.entries.get_or_init(|| {
            Cache::builder()
                .max_capacity(self.inner.max_bytes)
                .weigher(|name: &Name, stored: &Stored| {
                    u32::try_from(name.len() + stored.bytes.len() + 64).unwrap_or(u32::MAX)
                })
                .build_with_hasher(KeptHash::default())
        }))
    }

    fn read(&self, name: NameRef<'_>) -> Result<Option<Bytes>> {
        let stored = self.entries()?.get(&name);
        Ok(stored.filter(|stored| self.lives(stored)).map(|stored| stored.bytes))
    }

    /// Replaces what is there by what `change` makes of it, in one atomic step; `None` leaves it.
    ///
    /// Every write goes this way: moka's other writes are not atomic with it.
    fn change(
        &self,
        name: NameRef<'_>,
        change: impl FnOnce(Option<&Bytes>) -> Option<Change>,
    ) -> Result<bool> {
        let entry = self.entries()?.entry(name.to_name());
        let result = entry.and_compute_with(|entry| {
            let stored = entry.map(|entry| entry.into_value()).filter(|stored| self.lives(stored));
            match change(stored.as_ref().map(|stored| &stored.bytes)) {
                None => Op::Nop,
                Some(Change::Remove) => Op::Remove,
                Some(Change::Put(bytes, ttl)) => {
                    Op::Put(Stored { bytes, expires: self.now().saturating_add(ttl) })
                }
            }
        });
        Ok(!matches!(result, CompResult::Unchanged(_) | CompResult::StillNone(_)))
    }

    fn lease(&self, key: &Key, lease: &LeaseRequest) -> Result<Slot> {
        let mut slot = Slot::Leased;
        self.change(NameRef::key(key), |stored| match stored {
            None => Some(Change::Put(Bytes::copy_from_slice(lease.stamp.as_bytes()), lease.ttl)),
            Some(stored) => {
                slot = found(stored.clone(), true);
                None
            }
        })?;
        Ok(slot)
    }

    fn generation(&self, group: &Group, ttl: Duration) -> Result<Generation> {
        if let Some(stored) = self.read(NameRef::group(group))? {
            return Ok(Generation::from_stored(&stored));
        }
        let mut generation = Generation::fresh();
        self.change(NameRef::group(group), |stored| match stored {
            None => Some(Change::Put(generation.to_stored().into(), group.keep_for(ttl))),
            Some(stored) => {
                generation = Generation::from_stored(stored);
                None
            }
        })?;
        Ok(generation)
    }

    fn advance_one(&self, group: &Group, options: &AdvanceOptions) -> Result<()> {
        let (next, ttl) = options.next(group);
        let change = Change::Put(next.to_stored().into(), ttl);
        self.change(NameRef::group(group), |_| Some(change)).map(drop)
    }

    fn lives(&self, stored: &Stored) -> bool {
        self.now() < stored.expires
    }

    fn now(&self) -> Duration {
        self.inner.clock.monotonic()
    }
}

/// What to do with what is stored.
enum Change {
    Put(Bytes, Duration),
    Remove,
}

/// Tells an entry from a placeholder, which means something to those only who want a lease.
fn found(stored: Bytes, wants_lease: bool) -> Slot {
    match Mark::of(&stored) {
        Mark::Entry | Mark::Foreign => Slot::Entry(stored),
        Mark::Lease if wants_lease => Slot::Busy,
        Mark::Tombstone if wants_lease => Slot::Held,
        Mark::Lease | Mark::Tombstone => Slot::Missing,
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities::local()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        let slot = |key| match lease {
            Some(lease) => self.lease(key, lease),
            None => {
                let stored = self.read(NameRef::key(key))?;
                Ok(stored.map_or(Slot::Missing, |stored| found(stored, false)))
            }
        };
        keys.iter().map(slot).collect()
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        let ttl = options.ttl;
        let written = self.change(NameRef::key(key), |stored| match options.mode {
            SetMode::Always => Some(Change::Put(entry, ttl)),
            SetMode::IfStamp(stamp) => stored
                .is_some_and(|stored| Stamp::of(stored) == stamp)
                .then_some(Change::Put(entry, ttl)),
        })?;
        Ok(if written { SetOutcome::Stored } else { SetOutcome::Refused })
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        let stored = self.read(NameRef::key(key))?;
        Ok(stored.is_some_and(|stored| Stamp::of(&stored) == *stamp))
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        let end = |key| {
            let change = options.hold.map_or(Change::Remove, |Tombstone { stamp, ttl, .. }| {
                Change::Put(Bytes::copy_from_slice(stamp.as_bytes()), ttl)
            });
            self.change(NameRef::key(key), |_| Some(change)).map(drop)
        };
        keys.iter().map(end).collect()
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        self.change(NameRef::key(key), |stored| {
            stored.is_some_and(|stored| Stamp::of(stored) == *stamp).then_some(Change::Remove)
        })?;
        Ok(())
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        groups.iter().map(|group| self.generation(group, ttl)).collect()
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        groups.iter().try_for_each(|group| self.advance_one(group, options))
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        // Memory forgets nothing, but what has been seen may have been another.
        const NAME: &str = "memory";
        let mut identities = self.inner.identities.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = identities.get(&all.id());
        if let Some(stored) = stored.filter(|stored| stored.succeeds(seen, NAME)) {
            return Ok(stored.clone());
        }
        let next = Identity::successor(stored, seen, NAME);
        self.advance_one(all, &AdvanceOptions::new(Duration::ZERO))?;
        identities.insert(all.id(), next.clone());
        Ok(next)
    }

    fn listen(&self, _options: &ListenOptions, _listener: Weak<dyn Listener>) {
        // All changes are made through handles of one table, which cannot tell whose they are.
    }

    async fn ping(&self) -> Result<()> {
        self.entries().map(|_| ())
    }

    async fn close(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
    }
}

impl fmt::Display for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory({} bytes)", self.inner.max_bytes)
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryBackend({} bytes)", self.inner.max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    cache_core::conformance!(
        #[tokio::test]
        (MemoryBackend::with_max_bytes(1 << 24), ())
    );
}
