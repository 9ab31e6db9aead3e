//! "There is none" is cached for a time of its own, and of it no more than users may have.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cache_aside::testing::ManualClock;
use cache_aside::{Cache, Key, MemoryBackend, Outcome, RedisBackend, Settings, TtlTable};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{builder, memory, on_every_server};

const TABLE: &str = "default = { fresh = '1h', none = '1m' }";

/// Two instances with one remote level and one clock; the second has no near level.
struct Scene {
    clock: ManualClock,
    one: Cache,
    two: Cache,
}

impl Scene {
    fn new(limit: usize) -> Self {
        let clock = ManualClock::new();
        let remote = MemoryBackend::with_clock(64 << 20, Arc::new(clock.clone()));
        let builder = || {
            let table = TtlTable::from_toml(TABLE).unwrap();
            let builder = builder().ttl_table(table).settings(settings(limit));
            builder.clock(Arc::new(clock.clone())).remote(remote.clone())
        };
        let near = MemoryBackend::with_max_bytes(64 << 20);
        let (one, two) = (builder().near(near).build().unwrap(), builder().build().unwrap());
        Self { clock, one, two }
    }

    /// Asks for what is not there.
    async fn ask(&self, key: &Key) -> Outcome {
        ask(&self.one, key).await
    }

    /// How many answers are cached under `keys`, near and remote.
    async fn there(&self, keys: &[Key]) -> (usize, usize) {
        let mut counts = [0, 0];
        for (count, cache) in counts.iter_mut().zip([&self.one, &self.two]) {
            for key in keys {
                *count += usize::from(cache.get::<Option<u32>>(key).await.unwrap().is_some());
            }
        }
        counts.into()
    }
}

async fn ask(cache: &Cache, key: &Key) -> Outcome {
    let options = cache_aside::CallOptions::table();
    let load = || async { Ok::<_, Infallible>(None::<u32>) };
    let answer = cache.fetch(key, &options, load).await.unwrap();
    assert_eq!(*answer.value, None);
    answer.outcome
}

fn settings(limit: usize) -> Settings {
    let mut settings = crate::common::settings();
    settings.none_limit = limit;
    settings
}

fn ids(cache: &Cache, user: u64, count: u64) -> Vec<Key> {
    (0..count).map(|id| cache.key("document").user(user).arg(id)).collect()
}

#[tokio::test]
async fn one_user_who_asks_for_what_is_not_there_fills_nothing() {
    let scene = Scene::new(Settings::default().none_limit);
    let keys = ids(&scene.one, 1, 10_000);

    for key in &keys {
        assert_eq!(scene.ask(key).await, Outcome::Loaded);
    }

    let (near, remote) = scene.there(&keys).await;
    assert_eq!((near, remote), (1000, 1000));
    assert_eq!(scene.one.stats().nones_over_limit, 9000);
    assert_eq!(scene.one.stats().near.entries, 1000);
    // Whoever shares a stripe with this user shares the budget: hardly all of these.
    let others: Vec<_> = (2..6).flat_map(|user| ids(&scene.one, user, 5)).collect();
    for key in &others {
        scene.ask(key).await;
    }
    assert!(scene.there(&others).await.1 >= 15);
    // What is there is cached for everybody.
    let found = scene.one.key("document").user(1).arg("found");
    for outcome in [Outcome::Loaded, Outcome::NearHit] {
        let options = cache_aside::CallOptions::table();
        let load = || async { Ok::<_, Infallible>(Some(1_u32)) };
        assert_eq!(scene.one.fetch(&found, &options, load).await.unwrap().outcome, outcome);
    }
}

#[tokio::test]
async fn when_they_have_ended_others_are_cached() {
    let scene = Scene::new(10);
    let keys = ids(&scene.one, 1, 1000);
    for (minute, keys) in keys.chunks(100).enumerate() {
        for key in keys {
            scene.ask(key).await;
        }
        let expected = if minute % 2 == 0 { 10 } else { 0 };
        // Those of the window before count as if they were still there.
        assert_eq!(scene.there(keys).await, (expected, expected), "minute {minute}");
        scene.clock.advance(Duration::from_secs(60));
        assert_eq!(scene.there(keys).await, (0, 0), "`none` is a minute");
    }
}

#[tokio::test]
async fn keys_without_a_user_have_a_budget_for_each_entity() {
    let scene = Scene::new(10);
    let pages: Vec<_> = (0..100).map(|id| scene.one.key("page").arg(id)).collect();
    for key in &pages {
        scene.ask(key).await;
    }

    assert_eq!(scene.there(&pages).await, (10, 10));
}

#[tokio::test]
async fn batches_and_writers_have_no_budget_of_their_own() {
    let scene = Scene::new(10);
    let keys = ids(&scene.one, 1, 100);
    let load = |missing: Vec<usize>| async move {
        Ok::<_, Infallible>(vec![Some(None::<u32>); missing.len()])
    };

    let values = scene.one.get_or_load_many(&keys, load).await.unwrap();

    assert!(values.iter().all(|value| value.as_deref() == Some(&None)));
    assert_eq!(scene.there(&keys).await, (10, 10));

    let more = ids(&scene.one, 1, 200);
    for key in &more[100..] {
        scene.one.set(key, Arc::new(None::<u32>)).await.unwrap();
    }
    assert_eq!(scene.there(&more[100..]).await, (0, 0));
    assert_eq!(scene.one.stats().nones_over_limit, 190);

    // What a writer says ends what was there, also if it is not kept itself.
    let key = &more[150];
    scene.one.set(key, Arc::new(Some(1_u32))).await.unwrap();
    scene.one.set(key, Arc::new(None::<u32>)).await.unwrap();
    assert_eq!(scene.there(&more[150..151]).await, (0, 0));
}

#[tokio::test]
async fn without_a_time_for_them_they_are_not_cached_and_not_counted() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let key = cache.key("document");

    for _ in 0..2 {
        assert_eq!(ask(&cache, &key).await, Outcome::Loaded);
    }

    assert_eq!((cache.stats().near.entries, cache.stats().nones_over_limit), (0, 0));
}

#[tokio::test]
async fn errors_are_never_cached() {
    let scene = Scene::new(10);
    let key = scene.one.key("document").user(1);

    for loads in 1..=3 {
        let load = || async { Err::<Option<u32>, _>("no such table") };
        assert!(scene.one.get_or_load(&key, load).await.is_err());
        assert_eq!(scene.one.stats().total().loads, loads);
    }

    assert_eq!(scene.there(&[key]).await, (0, 0));
}

/// What Redis has of one user, by its own count.
async fn a_server_is_not_filled_with_what_is_not_there(server: Server) {
    let remote = RedisBackend::new(&server.url()).unwrap();
    let table = TtlTable::from_toml(TABLE).unwrap();
    let builder = Cache::builder("test").ttl_table(table).settings(settings(50));
    let cache = builder.near(memory()).remote(remote).build().unwrap();

    for key in ids(&cache, 1, 1000) {
        ask(&cache, &key).await;
    }

    let count = || server.cli(&["KEYS", "test:document*"]).lines().count();
    // Leases that are being given back are there for a moment.
    crate::common::until("no more than the limit", async || count() <= 50).await;
    assert_eq!(cache.stats().nones_over_limit, 950);
}

on_every_server! { a_server_is_not_filled_with_what_is_not_there }
