//! What one answer takes: from the database, from Redis, from memory.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use cache_aside::backend::Backend;
use cache_aside::{Cache, CallOptions, MemoryBackend, Outcome, RedisBackend, TtlTable};
use cache_aside_examples::figures::Sorted;
use cache_aside_examples::server::Server;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// How many answers are read of each kind.
const ANSWERS: usize = 200;

/// How large they are.
const BYTES: usize = 2_000;

/// What half of the callers wait at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) database: Duration,
    pub(crate) remote: Duration,
    pub(crate) near: Duration,
}

/// Two instances over one Redis, or over memory where none is installed.
#[derive(Debug)]
pub(crate) struct Pair {
    one: Cache,
    two: Cache,
    /// What the second level is.
    pub(crate) level: &'static str,
    _server: Option<Server>,
}

impl Pair {
    pub(crate) async fn start() -> Result<Self> {
        let server = Server::start().await.ok();
        let shared = MemoryBackend::with_max_bytes(64 << 20);
        let remote = || -> Result<Arc<dyn Backend>> {
            Ok(match &server {
                Some(server) => Arc::new(RedisBackend::new(&server.url())?),
                None => Arc::new(shared.clone()),
            })
        };
        let [one, two] = [instance(remote()?)?, instance(remote()?)?];
        for cache in [&one, &two] {
            ready(cache).await?;
        }
        let level = server.as_ref().map_or("memory in the place of Redis", Server::program);
        Ok(Self { one, two, level, _server: server })
    }

    /// Measures one kind of answer whose query takes `query`.
    pub(crate) async fn measure(&self, entity: &'static str, query: Duration) -> Result<Latency> {
        let mut loads = JoinSet::new();
        for id in 0..ANSWERS {
            let cache = self.one.clone();
            loads.spawn(async move { ask(&cache, entity, id, query).await });
        }
        let loads = loads.join_all().await;
        ensure!(loads.iter().all(|(outcome, _)| *outcome == Outcome::Loaded), "all is loaded");
        let remote = self.hits(entity, query, Outcome::RemoteHit).await?;
        let near = self.hits(entity, query, Outcome::NearHit).await?;
        let database = Sorted::new(loads.into_iter().map(|(_, took)| took)).percentile(50);
        Ok(Latency { database, remote, near })
    }

    pub(crate) async fn close(self) {
        self.one.close().await;
        self.two.close().await;
    }

    async fn hits(
        &self,
        entity: &'static str,
        query: Duration,
        expected: Outcome,
    ) -> Result<Duration> {
        let mut times = Vec::new();
        for id in 0..ANSWERS {
            let (outcome, took) = ask(&self.two, entity, id, query).await;
            ensure!(outcome == expected, "{entity}: {outcome}, and not {expected}");
            times.push(took);
        }
        Ok(Sorted::new(times.into_iter()).percentile(50))
    }
}

async fn ask(
    cache: &Cache,
    entity: &'static str,
    id: usize,
    query: Duration,
) -> (Outcome, Duration) {
    let key = cache.key(entity).arg(id);
    let begun = Instant::now();
    let load = || async {
        sleep(query).await;
        Ok::<_, Infallible>("x".repeat(BYTES))
    };
    let Ok(answer) = cache.fetch(&key, &CallOptions::table(), load).await;
    (answer.outcome, begun.elapsed())
}

fn instance(remote: Arc<dyn Backend>) -> Result<Cache> {
    let table = TtlTable::from_toml(include_str!("../data/atelier.toml"))?;
    let near = MemoryBackend::with_max_bytes(64 << 20);
    Ok(Cache::builder("latency").ttl_table(table).near(near).remote_arc(remote).build()?)
}

/// Waits until the second level answers; it is connected to when it is asked for the first time.
async fn ready(cache: &Cache) -> Result<()> {
    let begun = Instant::now();
    loop {
        let _ = cache.get::<u32>(&cache.key("ready")).await;
        let remote = cache.health().await.remote;
        if remote.is_some_and(|it| it.is_listening() || it.backend.starts_with("memory")) {
            return Ok(());
        }
        ensure!(begun.elapsed() < Duration::from_secs(10), "the second level does not answer");
        sleep(Duration::from_millis(1)).await;
    }
}
