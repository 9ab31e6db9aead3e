//! Refreshes of many instances, on real servers (P3, P5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cache_aside::testing::ManualClock;
use cache_aside::{Cache, CallOptions, Key, Loaded, Outcome, RedisBackend, TtlTable};
use cache_test_servers::{Flavour, Server, server_or_return};
use tokio::sync::Semaphore;

use crate::common::{Source, listening, memory, on_every_server, settings, until};

on_every_server! {
    an_invalidation_elsewhere_wins_over_a_refresh
    one_instance_refreshes_and_all_hear_of_it
    what_failed_on_one_instance_is_left_alone_by_all
}

/// Instances of one service, whose clocks go together.
struct Fleet {
    clock: ManualClock,
    caches: Vec<Cache>,
    source: Source,
    /// Whether loads may end, and how.
    turns: Arc<Semaphore>,
    fails: Arc<AtomicBool>,
    key: Key,
}

impl Fleet {
    /// Creates instances that all have one value near.
    async fn warm(server: &Server) -> Self {
        let clock = ManualClock::new();
        let table = "default = { fresh = '1m', stale = '1h' }";
        let cache = |_| {
            let mut settings = settings();
            settings.max_silence = Duration::from_secs(60);
            let builder = Cache::builder("test").clock(Arc::new(clock.clone()));
            let builder = builder.ttl_table(TtlTable::from_toml(table).unwrap());
            let builder = builder.settings(settings).near(memory());
            builder.remote(RedisBackend::new(&server.url()).unwrap()).build().unwrap()
        };
        let caches: Vec<Cache> = (0..3).map(cache).collect();
        let key = caches[0].key("profile").user(1);
        let (source, turns) = (Source::default(), Arc::new(Semaphore::new(1000)));
        let fleet =
            Self { clock: clock.clone(), caches, source, turns, fails: Arc::default(), key };
        for at in 0..3 {
            until("a near hit", async || {
                let hit = fleet.ask(at).await == Some((1, Outcome::NearHit));
                hit && listening(&fleet.caches[at]).await
            })
            .await;
        }
        fleet
    }

    async fn ask(&self, at: usize) -> Option<(u32, Outcome)> {
        let (source, turns) = (self.source.clone(), Arc::clone(&self.turns));
        let fails = Arc::clone(&self.fails);
        let load = move || async move {
            let value = source.load().await.unwrap();
            let _turn = turns.acquire().await.unwrap();
            if fails.load(Ordering::SeqCst) { Err(()) } else { Ok(Loaded::new(value)) }
        };
        let answer = self.caches[at].fetch_owned(&self.key, &CallOptions::table(), load).await;
        answer.ok().map(|answer| (*answer.value, answer.outcome))
    }

    async fn idle(&self) {
        let is_idle = |cache: &Cache| cache.stats().in_background == 0;
        until("all refreshes' end", async || self.caches.iter().all(is_idle)).await;
    }
}

async fn one_instance_refreshes_and_all_hear_of_it(server: Server) {
    let fleet = Fleet::warm(&server).await;
    fleet.clock.advance(Duration::from_secs(61));
    fleet.turns.forget_permits(1000);

    for at in [0, 1, 2] {
        assert_eq!(fleet.ask(at).await, Some((1, Outcome::Stale)));
    }
    until("the refresh", async || fleet.source.loads() == 2).await;
    let refused =
        |cache: &Cache| cache.stats().in_background == 0 || cache.stats().total().refreshes == 1;
    until("the others' end", async || fleet.caches.iter().all(refused)).await;
    for at in [0, 1, 2] {
        assert_eq!(fleet.ask(at).await, Some((1, Outcome::Stale)), "nobody waits");
    }
    fleet.turns.add_permits(1000);

    for at in [0, 1, 2] {
        until("the new value", async || fleet.ask(at).await == Some((2, Outcome::NearHit))).await;
    }
    fleet.idle().await;
    assert_eq!(fleet.source.loads(), 2);
}

async fn an_invalidation_elsewhere_wins_over_a_refresh(server: Server) {
    let fleet = Fleet::warm(&server).await;
    fleet.clock.advance(Duration::from_secs(61));
    fleet.turns.forget_permits(1000);
    fleet.ask(0).await;
    until("the refresh", async || fleet.source.loads() == 2).await;

    fleet.caches[1].invalidate(&fleet.key).await.unwrap();
    fleet.turns.add_permits(1000);
    fleet.idle().await;

    for at in [1, 2, 0] {
        until("a value from after it", async || fleet.ask(at).await.unwrap().0 == 3).await;
    }
    assert_eq!(fleet.caches[0].stats().fenced_fills, 1);
}

async fn what_failed_on_one_instance_is_left_alone_by_all(server: Server) {
    let fleet = Fleet::warm(&server).await;
    fleet.clock.advance(Duration::from_secs(61));
    fleet.fails.store(true, Ordering::SeqCst);
    fleet.ask(0).await;
    fleet.idle().await;

    for at in [0, 1, 2, 0, 1, 2] {
        assert_eq!(fleet.ask(at).await, Some((1, Outcome::Stale)));
        fleet.idle().await;
    }

    assert_eq!(fleet.source.loads(), 2);
}
