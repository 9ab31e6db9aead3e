//! A cache whose values grow stale, and what is behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use cache_aside::testing::ManualClock;
use cache_aside::{
    Cache, CacheBuilder, CallOptions, ErrorKind, Key, Loaded, Outcome, Settings, TtlTable,
};
use tokio::sync::Semaphore;

use crate::common::memory;

const TABLE: &str = "default = { fresh = '1m', stale = '10m' }";

/// A source that can be stopped, and can fail; every answer is a new number.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) count: Arc<AtomicU32>,
    fails: Arc<AtomicBool>,
    turns: Arc<Semaphore>,
}

/// What it fails with.
#[derive(Debug)]
pub(super) struct Failure(pub(super) Option<ErrorKind>);

impl From<cache_aside::Error> for Failure {
    fn from(error: cache_aside::Error) -> Self {
        Self(Some(error.kind()))
    }
}

impl Origin {
    pub(super) fn new() -> Self {
        let turns = Arc::new(Semaphore::new(Self::TURNS));
        Self { count: Arc::default(), fails: Arc::default(), turns }
    }

    /// Lets no load end until `resume`.
    pub(super) fn stop(&self) {
        self.turns.forget_permits(Self::TURNS);
    }

    pub(super) fn resume(&self) {
        self.turns.add_permits(Self::TURNS);
    }

    const TURNS: usize = 1000;

    pub(super) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    pub(super) fn loads(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    pub(super) async fn load(&self) -> Result<u32, Failure> {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let _turn = self.turns.acquire().await.unwrap();
        if self.fails.load(Ordering::SeqCst) { Err(Failure(None)) } else { Ok(number) }
    }
}

/// A cache, its clock and what is behind it.
pub(super) struct Scene {
    pub(super) cache: Cache,
    pub(super) clock: ManualClock,
    pub(super) origin: Origin,
    pub(super) key: Key,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(|builder| builder.near(memory()), |_| {})
    }

    pub(super) fn with(
        levels: impl FnOnce(CacheBuilder) -> CacheBuilder,
        set: impl FnOnce(&mut Settings),
    ) -> Self {
        let clock = ManualClock::new();
        let mut settings = crate::common::settings();
        settings.degraded_ttl = Duration::from_secs(3600);
        set(&mut settings);
        let builder = Cache::builder("test")
            .ttl_table(TtlTable::from_toml(TABLE).unwrap())
            .settings(settings)
            .clock(Arc::new(clock.clone()));
        let cache = levels(builder).build().unwrap();
        let key = cache.key("profile").user(1);
        Self { cache, clock, origin: Origin::new(), key }
    }

    /// Asks with a loader that lives no longer than the call.
    pub(super) async fn ask(&self) -> Result<(u32, Outcome), Failure> {
        let options = CallOptions::table();
        let answer = self.cache.fetch(&self.key, &options, || self.origin.load()).await?;
        Ok((*answer.value, answer.outcome))
    }

    /// Asks with a loader that may go on.
    pub(super) async fn ask_owned(&self) -> Result<(u32, Outcome), Failure> {
        self.ask_with(CallOptions::table()).await
    }

    pub(super) async fn ask_with(&self, options: CallOptions) -> Result<(u32, Outcome), Failure> {
        let origin = self.origin.clone();
        let load = move || async move { origin.load().await.map(Loaded::new) };
        let answer = self.cache.fetch_within(&self.key, &options, load).await?;
        Ok((*answer.value, answer.outcome))
    }

    pub(super) fn pass(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}
