//! One instance of the service, and what it may not forget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cache_aside::{Cache, MemoryBackend, RedisBackend, Settings, TtlTable};

/// How many rows there are that change.
pub(crate) const ROWS: usize = 500;

/// A cache, and by row the version that an acknowledged edit has made known on this instance.
///
/// The promise is made for each instance: another one may serve an old copy for as long as it
/// cannot hear.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) cache: Cache,
    floors: Vec<AtomicU64>,
}

impl Instance {
    /// Starts an instance; nothing connects yet.
    ///
    /// # Panics
    ///
    /// If the address cannot be used.
    pub(crate) fn start(redis: &str) -> Arc<Self> {
        let table = "default = '20s'";
        let cache = Cache::builder("soak")
            .ttl_table(TtlTable::from_toml(table).expect("the table is right"))
            .settings(Settings::default())
            .near(MemoryBackend::with_max_bytes(2 << 20))
            .remote(RedisBackend::new(redis).expect("the address is right"))
            .build()
            .expect("all is right");
        Arc::new(Self { cache, floors: (0..ROWS).map(|_| AtomicU64::new(0)).collect() })
    }

    /// Returns what a call that begins now must know of a row.
    pub(crate) fn floor(&self, row: usize) -> u64 {
        self.floors[row].load(Ordering::SeqCst)
    }

    pub(crate) fn acknowledge(&self, row: usize, version: u64) {
        self.floors[row].fetch_max(version, Ordering::SeqCst);
    }
}
