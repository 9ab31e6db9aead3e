//! P2 and P3 around a commit: nothing is kept while the source changes, or may still show the past.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cache_aside::testing::ManualClock;
use cache_aside::{
    Cache, CallOptions, Key, MemoryBackend, Outcome, RedisBackend, Settings, TtlTable,
};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{SlowLoad, builder, memory, on_every_server, settings, until};

/// A row of the source.
#[derive(Clone, Default)]
struct Row(Arc<AtomicU32>);

impl Row {
    fn commit(&self, version: u32) {
        self.0.store(version, Ordering::SeqCst);
    }

    async fn ask(&self, cache: &Cache, key: &Key) -> (u32, Outcome) {
        let load = || async { Ok::<_, Infallible>(self.0.load(Ordering::SeqCst)) };
        let answer = cache.fetch(key, &CallOptions::table(), load).await.unwrap();
        (*answer.value, answer.outcome)
    }
}

/// Instances of one clock and one remote level.
fn instances(settings: Settings) -> (ManualClock, [Cache; 3]) {
    let clock = ManualClock::new();
    let shared = MemoryBackend::with_clock(16 << 20, Arc::new(clock.clone()));
    let instance = |_| {
        let builder = builder().clock(Arc::new(clock.clone())).settings(settings.clone());
        builder.near(memory()).remote(shared.clone()).build().unwrap()
    };
    (clock.clone(), [0, 1, 2].map(instance))
}

fn key(cache: &Cache) -> Key {
    cache.key("profile").tier("free").user(1)
}

#[tokio::test]
async fn under_a_guard_calls_are_answered_and_nothing_is_kept() {
    for by_group in [false, true] {
        let (_, [one, two, _]) = instances(settings());
        let (row, key) = (Row::default(), key(&one));
        row.ask(&one, &key).await;

        let changes = one.changes();
        let changes = if by_group { changes.user(1) } else { changes.key(&key) };
        let guard = changes.begin().await.unwrap();
        for cache in [&one, &two, &one] {
            assert_eq!(row.ask(cache, &key).await, (0, Outcome::Loaded));
        }
        row.commit(1);
        assert_eq!(row.ask(&two, &key).await, (1, Outcome::Loaded));
        guard.finish().await.unwrap();

        assert_eq!(row.ask(&one, &key).await, (1, Outcome::Loaded));
        assert_eq!(row.ask(&one, &key).await, (1, Outcome::NearHit));
        assert_eq!(row.ask(&two, &key).await, (1, Outcome::RemoteHit));
    }
}

#[tokio::test]
async fn a_load_from_before_the_commit_is_not_kept_after_it() {
    for by_group in [false, true] {
        let (_, [one, two, three]) = instances(settings());
        let (row, key) = (Row::default(), key(&one));
        let changes = one.changes();
        let changes = if by_group { changes.user(1) } else { changes.key(&key) };

        let before = SlowLoad::start(&two, &key, 0).await;
        let guard = changes.begin().await.unwrap();
        let during = SlowLoad::start(&one, &key, 0).await;
        row.commit(1);
        guard.finish().await.unwrap();
        assert_eq!((before.finish().await, during.finish().await), (0, 0));

        assert_eq!(three.get::<u32>(&key).await.unwrap(), None);
        assert_eq!(row.ask(&one, &key).await, (1, Outcome::Loaded));
    }
}

/// Without the first half, the old entry would be served until its TTL ends.
#[tokio::test]
async fn a_crash_between_commit_and_finish_leaves_nothing_old() {
    for by_group in [false, true] {
        let (clock, [one, two, _]) = instances(settings());
        let (row, key) = (Row::default(), key(&one));
        row.ask(&one, &key).await;
        let changes = one.changes();
        let changes = if by_group { changes.user(1) } else { changes.key(&key) };

        let guard = changes.begin().await.unwrap();
        row.ask(&two, &key).await;
        row.commit(1);
        std::mem::forget(guard);

        assert_eq!(row.ask(&two, &key).await, (1, Outcome::Loaded));
        clock.advance(Settings::default().guard_ttl);
        assert_eq!(row.ask(&two, &key).await, (1, Outcome::Loaded));
        assert_eq!(row.ask(&two, &key).await, (1, Outcome::NearHit));
    }
}

#[tokio::test]
async fn a_guard_that_is_dropped_ends_what_was_loaded_meanwhile_here() {
    let cache = builder().near(memory()).build().unwrap();
    let (row, key) = (Row::default(), key(&cache));
    let guard = cache.changes().key(&key).begin().await.unwrap();
    row.ask(&cache, &key).await;
    row.commit(1);

    drop(guard);

    assert_eq!(row.ask(&cache, &key).await, (1, Outcome::Loaded));
}

/// A replica of the source may show the past for a while after the commit.
#[tokio::test]
async fn with_a_hold_what_a_lagging_source_says_is_not_kept() {
    for by_group in [false, true] {
        let mut settings = settings();
        settings.hold = Some(Duration::from_secs(2));
        let (clock, [one, two, _]) = instances(settings);
        let (replica, key) = (Row::default(), key(&one));
        replica.ask(&one, &key).await;

        match by_group {
            true => one.invalidate_user(1).await.unwrap(),
            false => one.invalidate(&key).await.unwrap(),
        };
        for cache in [&one, &two, &one, &two] {
            assert_eq!(replica.ask(cache, &key).await, (0, Outcome::Loaded));
        }
        replica.commit(1);
        clock.advance(Duration::from_secs(2));

        assert_eq!(replica.ask(&one, &key).await, (1, Outcome::Loaded));
        assert_eq!(replica.ask(&two, &key).await, (1, Outcome::RemoteHit));
    }
}

/// It is gone with the end of the hold, when the replica does not know it yet.
#[tokio::test]
async fn with_a_hold_what_was_set_meanwhile_does_not_give_way_to_what_was_before() {
    let mut settings = settings();
    settings.hold = Some(Duration::from_secs(2));
    let (clock, [one, two, _]) = instances(settings);
    let (replica, key) = (Row::default(), key(&one));
    one.invalidate_user(1).await.unwrap();

    clock.advance(Duration::from_secs(1));
    one.set(&key, Arc::new(1_u32)).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(replica.ask(&one, &key).await, (1, Outcome::NearHit));
    assert_eq!(replica.ask(&two, &key).await, (0, Outcome::Loaded));
    replica.commit(1);
    clock.advance(Duration::from_secs(1));

    assert_eq!(replica.ask(&two, &key).await, (1, Outcome::Loaded));
    assert_eq!(replica.ask(&two, &key).await, (1, Outcome::NearHit));
}

#[tokio::test]
async fn with_a_hold_what_was_set_is_not_loaded_again_before_the_hold_is_over() {
    for ttl in ["'100ms'", "{ fresh = '100ms', stale = '1h' }"] {
        let mut settings = settings();
        settings.hold = Some(Duration::from_secs(2));
        let (clock, remote) = (ManualClock::new(), memory());
        let table = TtlTable::from_toml(&format!("default = {ttl}")).unwrap();
        let builder = Cache::builder("test").ttl_table(table).settings(settings);
        let builder = builder.clock(Arc::new(clock.clone())).near(memory());
        let cache = builder.remote(remote).build().unwrap();
        let (replica, key) = (Row::default(), key(&cache));
        cache.set(&key, Arc::new(1_u32)).await.unwrap();

        clock.advance(Duration::from_millis(1900));
        assert_eq!(replica.ask(&cache, &key).await, (1, Outcome::NearHit), "{ttl}");
        replica.commit(1);
        clock.advance(Duration::from_millis(100));

        assert_eq!(replica.ask(&cache, &key).await, (1, Outcome::Loaded), "{ttl}");
    }
}

on_every_server! {
    a_guard_holds_on_every_instance
}

async fn a_guard_holds_on_every_instance(server: Server) {
    let instance = || {
        let backend = RedisBackend::new(&server.url()).unwrap();
        builder().near(memory()).remote(backend).build().unwrap()
    };
    let (one, two, row) = (instance(), instance(), Row::default());
    let key = key(&one);
    for (version, by_group) in [(1, false), (2, true)] {
        until("the entry is near at both", async || {
            let outcomes = [row.ask(&one, &key).await.1, row.ask(&two, &key).await.1];
            outcomes == [Outcome::NearHit; 2]
        })
        .await;
        let changes = one.changes();
        let changes = if by_group { changes.user(1) } else { changes.key(&key) };

        let guard = changes.begin().await.unwrap();
        until("the other has heard of it", async || row.ask(&two, &key).await.1 == Outcome::Loaded)
            .await;
        for cache in [&one, &two] {
            assert_eq!(row.ask(cache, &key).await, (version - 1, Outcome::Loaded));
        }
        row.commit(version);
        guard.finish().await.unwrap();

        until("it is kept again", async || {
            let (seen, outcome) = row.ask(&two, &key).await;
            assert_eq!(seen, version);
            outcome == Outcome::NearHit
        })
        .await;
    }
}
