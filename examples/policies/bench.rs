//! What the files share: a cache whose clock is moved by hand, and a source that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use cache_aside::testing::ManualClock;
use cache_aside::{Cache, Key, MemoryBackend, Settings, TtlTable};
use tokio::time::{Instant, sleep};

/// A cache in memory, its clock, and the source of one key.
pub(crate) struct Bench {
    pub(crate) cache: Cache,
    pub(crate) clock: ManualClock,
    pub(crate) key: Key,
    pub(crate) source: Source,
}

/// A source that answers with a new number each time, late or not at all if it is told so.
#[derive(Clone, Default)]
pub(crate) struct Source(Arc<Inner>);

#[derive(Default)]
struct Inner {
    count: AtomicU32,
    fails: AtomicBool,
    millis: AtomicU32,
}

impl Bench {
    /// Creates a cache with one line of a TTL table and some settings, both TOML.
    pub(crate) fn new(ttl: &str, settings: &str) -> Result<Self> {
        let clock = ManualClock::new();
        let cache = Cache::builder("policies")
            .ttl_table(TtlTable::from_toml(&format!("default = {ttl}"))?)
            .settings(Settings::from_toml(settings)?)
            .clock(Arc::new(clock.clone()))
            .near(MemoryBackend::with_max_bytes(16 << 20))
            .build()?;
        let key = cache.key("report").user(42);
        Ok(Self { cache, clock, key, source: Source::default() })
    }

    /// Asks as a handler would, with a loader that owns what it needs.
    pub(crate) async fn ask(&self) -> Result<u32> {
        let source = self.source.clone();
        let load = move || async move { source.load().await };
        Ok(*self.cache.get_or_refresh(&self.key, load).await?)
    }

    /// Lets time pass on the cache's clock.
    pub(crate) fn pass(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// Waits until nothing goes on in the background.
    pub(crate) async fn settle(&self) {
        let begun = Instant::now();
        while self.cache.stats().in_background > 0 && begun.elapsed() < Duration::from_secs(10) {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Source {
    pub(crate) async fn load(&self) -> Result<u32> {
        let number = self.0.count.fetch_add(1, Ordering::SeqCst) + 1;
        sleep(Duration::from_millis(self.0.millis.load(Ordering::SeqCst).into())).await;
        if self.0.fails.load(Ordering::SeqCst) {
            bail!("the database is away");
        }
        Ok(number)
    }

    pub(crate) fn loads(&self) -> u32 {
        self.0.count.load(Ordering::SeqCst)
    }

    pub(crate) fn fails(&self, fails: bool) {
        self.0.fails.store(fails, Ordering::SeqCst);
    }

    pub(crate) fn takes(&self, millis: u32) {
        self.0.millis.store(millis, Ordering::SeqCst);
    }
}
