//! The service: three instances, each with a memory of its own.

use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Result, ensure};
use cache_aside::{Cache, MemoryBackend, Outcome, RedisBackend, RemoteState, Settings, TtlTable};
use tokio::time::{Instant, sleep};

use crate::database::Database;
use crate::day::{ANNOUNCEMENTS, ARTICLES, INSTANCES, Kind, Request};
use crate::deaf::Deaf;
use crate::judge::{Judge, Verdict};
use crate::step::Step;

/// One call, as its caller saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
    /// Where the answer was from, of a read that had one.
    pub(crate) outcome: Option<Outcome>,
}

/// The service at one step.
#[derive(Debug)]
pub(crate) struct Service {
    step: Step,
    pub(crate) db: Database,
    redis: Option<String>,
    instances: Vec<RwLock<Cache>>,
    replaced: Mutex<Vec<Cache>>,
    judge: Judge,
}

impl Service {
    /// Starts all instances; returns when the first day can begin.
    pub(crate) async fn start(step: Step, redis: &str) -> Result<Self> {
        let redis = step.has_redis().then(|| redis.to_owned());
        let mut instances = Vec::new();
        for _ in 0..INSTANCES {
            instances.push(RwLock::new(instance(step, redis.as_deref()).await?));
        }
        let judge = Judge::new(ARTICLES + ANNOUNCEMENTS.len());
        let (db, replaced) = (Database::start(), Mutex::default());
        Ok(Self { step, db, redis, instances, replaced, judge })
    }

    /// Puts a new instance in the place of an old one, once it is ready.
    pub(crate) async fn redeploy(&self, number: usize) -> Result<()> {
        let new = instance(self.step, self.redis.as_deref()).await?;
        let mut place = self.instances[number].write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, new);
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner).push(old);
        Ok(())
    }

    /// Answers a request that came at `began`.
    pub(crate) async fn answer(&self, request: Request, began: Instant) -> Call {
        let (kind, id) = (request.kind, request.article);
        let place = &self.instances[request.instance];
        let cache = place.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (took, verdict, outcome) = match kind {
            Kind::Edit => {
                let edit = self.step.edit(&cache, &self.db, id).await;
                let took = began.elapsed();
                let verdict = edit.map_or(Verdict::Error, |(number, told)| {
                    self.judge.acknowledge(id, number, told);
                    Verdict::Right
                });
                (took, verdict, None)
            }
            Kind::Read => {
                let answer = self.step.read(&cache, &self.db, id).await;
                let took = began.elapsed();
                match answer {
                    Err(_) => (took, Verdict::Error, None),
                    Ok((article, outcome)) => {
                        (took, self.judge.verdict(id, article.edits, began), Some(outcome))
                    }
                }
            }
        };
        Call { kind, took, verdict, outcome }
    }

    /// Ends all instances, those that were replaced too.
    pub(crate) async fn close(self) {
        let current = self.instances.into_iter();
        let current = current.map(|it| it.into_inner().unwrap_or_else(PoisonError::into_inner));
        let replaced = self.replaced.into_inner().unwrap_or_else(PoisonError::into_inner);
        for cache in current.chain(replaced) {
            cache.close().await;
        }
    }
}

/// Builds the cache of one instance. It takes traffic when it can reach what it needs.
async fn instance(step: Step, redis: Option<&str>) -> Result<Cache> {
    let builder = Cache::builder(&format!("story-{}", step as usize))
        .ttl_table(TtlTable::from_toml(step.ttls())?)
        .settings(Settings::from_toml(step.settings())?)
        .near(MemoryBackend::with_max_bytes(64 << 20));
    let Some(url) = redis else { return Ok(builder.build()?) };
    let redis = RedisBackend::new(url)?;
    let builder = match step {
        Step::Redis => builder.remote(Deaf(redis)),
        _ => builder.remote(redis),
    };
    let cache = builder.build()?;
    let begun = Instant::now();
    while !is_ready(step, &cache).await {
        ensure!(begun.elapsed() < Duration::from_secs(10), "Redis is not in use");
        sleep(Duration::from_millis(1)).await;
    }
    Ok(cache)
}

/// Whether Redis answers and, if it is to, tells what others change.
async fn is_ready(step: Step, cache: &Cache) -> bool {
    // It is connected to when something is asked for the first time.
    let _ = cache.get::<u32>(&cache.key("ready")).await;
    let remote = cache.health().await.remote;
    remote
        .is_some_and(|it| it.state == RemoteState::Up && (step == Step::Redis || it.is_listening()))
}
