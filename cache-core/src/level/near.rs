//! The near level: decoded values in this process.

use std::any::Any;
use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::fence::Snapshot;
use crate::key::Key;
use crate::stats::Line;
use crate::sync::atomic::AtomicBool;

/// Keeps decoded values of this process, within a bound.
///
/// Synchronous, because a hit must neither decode nor allocate a future.
///
/// # Contract
///
/// * `get` after `remove` of the same key, with no `insert` in between, returns nothing.
/// * Entries may vanish at any time; the total [`NearEntry::weight`] stays near the bound.
/// * Expiry and fences are checked by the engine, not here.
pub trait Near: Debug + Display + Send + Sync + 'static {
    /// Returns the entry of `key`.
    fn get(&self, key: &Key) -> Option<Arc<NearEntry>>;

    /// Stores an entry, in the place of an older one.
    fn insert(&self, key: &Key, entry: Arc<NearEntry>);

    /// Removes the entry of the key with these bytes.
    fn remove(&self, key: &[u8]);

    /// Returns how much is stored.
    fn usage(&self) -> NearUsage;
}

/// How much a near level holds.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct NearUsage {
    /// Entries, roughly.
    pub entries: u64,
    /// Their weight, in bytes, roughly.
    pub bytes: u64,
}

impl NearUsage {
    /// Creates a reading.
    pub const fn new(entries: u64, bytes: u64) -> Self {
        Self { entries, bytes }
    }
}

/// A decoded value and what must hold for it to be served.
pub struct NearEntry {
    pub(crate) value: Arc<dyn Any + Send + Sync>,
    /// Until when it is served and nothing else happens, on the monotonic clock.
    pub(crate) calm_until: Duration,
    /// How much longer than that it is fresh, in milliseconds; it may be refreshed then.
    pub(crate) early_ms: u32,
    /// Until when it may be served at all.
    pub(crate) expires: Duration,
    pub(crate) snapshot: Snapshot,
    /// Whether the entry's fences held after it was stored. Until then nobody may serve it.
    pub(crate) live: AtomicBool,
    /// Whether it may be served only while we hear of changes.
    pub(crate) heard: bool,
    pub(crate) weight: u32,
    /// Where a hit is counted, so that it looks nothing up.
    pub(crate) line: Arc<Line>,
}

impl NearEntry {
    /// Returns the memory the entry takes, in bytes, roughly: value, key and bookkeeping.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// Returns for how long before the end of its fresh time it may be refreshed.
    pub(crate) fn early(&self) -> Duration {
        Duration::from_millis(self.early_ms.into())
    }

    pub(crate) fn fresh_until(&self) -> Duration {
        self.calm_until.saturating_add(self.early())
    }
}

impl Debug for NearEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NearEntry({} bytes)", self.weight)
    }
}
