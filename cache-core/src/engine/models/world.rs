//! What models are about: a source, a cache in front of it, and a near level with one place.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::thread::JoinHandle;

use super::{block_on, spawn};
use crate::Backend;
use crate::codec::Bincode;
use crate::engine::decide::Left;
use crate::engine::fence::Snapshot;
use crate::engine::keep::{Backing, NearCopy};
use crate::engine::{Call, Engine, Parts};
use crate::group::Group;
use crate::key::Key;
use crate::level::near::{Near, NearEntry, NearUsage};
use crate::policy::{CallOptions, Settings, TtlTable};
use crate::stats::Line;
use crate::testing::ManualClock;

/// An instance of a service. `Clone` clones the handle.
#[derive(Clone)]
pub(super) struct World {
    pub(super) engine: Arc<Engine>,
    pub(super) source: Arc<Source>,
    pub(super) key: Key,
    pub(super) tag: Group,
    line: Arc<Line>,
}

impl World {
    const OPTIONS: CallOptions = CallOptions::fixed(60_000);

    /// Creates an instance without a remote level.
    pub(super) fn new() -> Self {
        Self::with(None)
    }

    /// As [`new`](Self::new), with a remote level.
    pub(super) fn with(remote: Option<Arc<dyn Backend>>) -> Self {
        let (key, tag) = key_and_tag();
        let parts = Parts {
            near: Some(Arc::new(Place::new())),
            remote,
            codec: Arc::new(Bincode),
            clock: Arc::new(ManualClock::new()),
            table: TtlTable::default(),
            settings: Settings::default(),
            observers: Vec::new(),
        };
        let engine = Arc::new(Engine::new(key.prefix(), parts));
        Self { engine, source: Arc::new(Source::new()), key, tag, line: Arc::default() }
    }

    /// Does something on a thread of its own.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let world = self.clone();
        spawn(move || work(&world))
    }

    pub(super) fn call(&self) -> Call<'_> {
        Call { key: &self.key, options: &Self::OPTIONS, line: &self.line, late_tags: false }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.engine.fences.snapshot(&self.key)
    }

    /// Reads the source and keeps what it says, as a load does.
    pub(super) fn load(&self) {
        let snapshot = self.snapshot();
        self.keep(self.source.read(), &snapshot);
    }

    pub(super) fn keep(&self, value: u64, snapshot: &Snapshot) {
        let (minute, none) = (Duration::from_secs(60), Duration::ZERO);
        let left = Left { fresh: minute, stale: minute };
        let copy = NearCopy { weight: 8, left, early: none, asked: none, backing: Backing::None };
        self.engine.keep_near(self.call(), &Arc::new(value), copy, snapshot);
    }

    /// Returns what a call would be answered with from near.
    pub(super) fn near(&self) -> Option<u64> {
        self.engine.near_hit::<u64>(&self.key).map(|answer| *answer.value)
    }

    pub(super) fn invalidate(&self) {
        block_on(self.engine.invalidate(std::slice::from_ref(&self.key))).unwrap();
    }

    pub(super) fn invalidate_groups(&self, groups: &[Group]) {
        block_on(self.engine.invalidate_groups(groups)).unwrap();
    }

    /// Ends the tag, as `invalidate_tag` does.
    pub(super) fn invalidate_tag(&self) {
        self.invalidate_groups(&[Group::any_tag(self.key.prefix()), self.tag.clone()]);
    }

    /// Returns the group of the key's entity.
    pub(super) fn group(&self) -> Group {
        Group::entity(self.key.prefix(), self.key.entity_name().as_bytes())
    }
}

/// A near level for one key, of two atomics' strength: a look-up may miss what was stored a moment
/// ago, unless something else tells of it.
struct Place {
    /// Which entry is there, from 1 on.
    current: AtomicUsize,
    /// All entries there ever were.
    entries: Mutex<Vec<Arc<NearEntry>>>,
}

impl Place {
    fn new() -> Self {
        Self { current: AtomicUsize::new(0), entries: Mutex::default() }
    }
}

impl Near for Place {
    fn get(&self, _: &Key) -> Option<Arc<NearEntry>> {
        let current = self.current.load(Ordering::Acquire);
        let index = current.checked_sub(1)?;
        self.entries.lock().unwrap().get(index).cloned()
    }

    fn insert(&self, _: &Key, entry: Arc<NearEntry>) {
        let mut entries = self.entries.lock().unwrap();
        entries.push(entry);
        let current = entries.len();
        // Loom switches threads at its own atomics; nobody may wait for a lock then.
        drop(entries);
        self.current.store(current, Ordering::Release);
    }

    fn remove(&self, _: &[u8]) {
        if self.current.load(Ordering::Acquire) != 0 {
            self.current.swap(0, Ordering::AcqRel);
        }
    }

    fn usage(&self) -> NearUsage {
        NearUsage::default()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("place")
    }
}

/// Returns a key whose groups, and what moves with every tag, share no stripe with `tag`.
pub(super) fn key_and_tag() -> (Key, Group) {
    const LEAST_STRIPES: u64 = 8;
    let place = |group: &Group| group.local_hash() % LEAST_STRIPES;
    let candidates = (0..).map(|number| {
        let prefix = format!("ns{number}:").into_bytes();
        let key = Key::new(&prefix, |text| text.name("quote"));
        (key, Group::tag(&prefix, b"rust"))
    });
    let is_apart = |(key, tag): &(Key, Group)| {
        let mut places: Vec<_> = key.groups().map(|group| place(&group)).collect();
        places.extend([place(tag), place(&Group::any_tag(key.prefix()))]);
        let count = places.len();
        places.sort_unstable();
        places.dedup();
        places.len() == count
    };
    candidates.into_iter().find(is_apart).expect("there are enough namespaces")
}

/// Where the truth is. Who reads it sees the latest, and nothing else that its writer did.
#[derive(Debug)]
pub(super) struct Source(AtomicU64);

impl Source {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(super) fn read(&self) -> u64 {
        self.0.fetch_add(0, Ordering::Relaxed)
    }

    /// Reads it when every read finds another value.
    pub(super) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn write(&self, value: u64) {
        self.0.swap(value, Ordering::Relaxed);
    }
}
