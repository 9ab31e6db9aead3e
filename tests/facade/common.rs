//! What the tests share.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cache_aside::testing::ManualClock;
use cache_aside::{
    Cache, CacheBuilder, CallOptions, Key, MemoryBackend, Outcome, RedisBackend, RedisConfig,
    Settings, TtlTable,
};
pub(crate) use cache_aside_tests::world::until;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A source of truth that counts how often it is asked; every answer is a new number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source(Arc<AtomicU32>);

impl Source {
    pub(crate) async fn load(&self) -> Result<u32, Infallible> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }

    pub(crate) fn loads(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn memory() -> MemoryBackend {
    MemoryBackend::with_max_bytes(16 << 20)
}

/// A builder whose entries all live for a minute.
pub(crate) fn builder() -> CacheBuilder {
    let table = TtlTable::from_toml("default = '1m'").unwrap();
    Cache::builder("test").ttl_table(table).settings(settings())
}

/// Time-outs that a slow machine does not run into by itself.
pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.remote_timeout = Duration::from_secs(2);
    settings.degraded_ttl = Duration::from_secs(60);
    settings
}

/// A cache with a near level only.
pub(crate) fn near_only() -> Cache {
    builder().near(memory()).build().unwrap()
}

/// A clock and a builder that goes by it.
pub(crate) fn timed() -> (ManualClock, CacheBuilder) {
    let clock = ManualClock::new();
    (clock.clone(), builder().clock(Arc::new(clock)))
}

/// An instance whose near entries only end in time if somebody tells it, where `settings` say so.
pub(crate) fn instance_of(config: RedisConfig, settings: &str) -> Cache {
    Cache::builder("test")
        .ttl_table(TtlTable::from_toml("default = '1h'").unwrap())
        .settings(Settings::from_toml(settings).unwrap())
        .near(memory())
        .remote(RedisBackend::with_config(config).unwrap())
        .build()
        .unwrap()
}

/// Whether an instance hears of every change.
pub(crate) async fn listening(cache: &Cache) -> bool {
    cache.health().await.remote.unwrap().is_listening()
}

/// Asks until the answer is a near hit that relies on news.
pub(crate) async fn warm(cache: &Cache, key: &Key, source: &Source) -> u32 {
    let options = CallOptions::table();
    let mut value = 0;
    until("a near hit", async || {
        let answer = cache.fetch(key, &options, || source.load()).await.unwrap();
        value = *answer.value;
        answer.outcome == Outcome::NearHit && listening(cache).await
    })
    .await;
    value
}

/// Asks until the answer is newer than `old`; nothing but news ends what is near.
pub(crate) async fn newer(cache: &Cache, key: &Key, source: &Source, old: u32) -> u32 {
    let mut value = old;
    until("a newer value", async || {
        value = *cache.get_or_load(key, || source.load()).await.unwrap();
        value > old
    })
    .await;
    value
}

/// A load that is under way until it is told to end.
pub(crate) struct SlowLoad {
    end: oneshot::Sender<()>,
    caller: JoinHandle<u32>,
}

impl SlowLoad {
    /// Starts a call whose loader will return `value`.
    pub(crate) async fn start(cache: &Cache, key: &Key, value: u32) -> Self {
        let (end, ended) = oneshot::channel();
        let loads = cache.stats().total().loads;
        let (its_cache, key) = (cache.clone(), key.clone());
        let caller = tokio::spawn(async move {
            let load = || async {
                ended.await.unwrap();
                Ok::<_, Infallible>(value)
            };
            *its_cache.get_or_load(&key, load).await.unwrap()
        });
        until("the load is under way", async || cache.stats().total().loads > loads).await;
        Self { end, caller }
    }

    /// Lets the loader return, and returns what its caller got.
    pub(crate) async fn finish(self) -> u32 {
        self.end.send(()).unwrap();
        self.caller.await.unwrap()
    }
}

/// Runs tests against a fresh server of one kind each.
macro_rules! on {
    ($module:ident, $flavour:ident: $($name:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let server = super::server_or_return!(super::Flavour::$flavour);
                super::$name(server).await;
            })*
        }
    };
}

macro_rules! on_every_server {
    ($($name:ident)*) => {
        $crate::common::on!(redis_7, Redis: $($name)*);
        $crate::common::on!(valkey_8, Valkey: $($name)*);
    };
}

pub(crate) use {on, on_every_server};
