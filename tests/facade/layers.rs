//! How long an answer lives, and which of those who say so counts.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_aside::testing::ManualClock;
use cache_aside::{
    Cache, CallOptions, ErrorKind, Key, Loaded, MemoryBackend, Outcome, RedisBackend, Ttl, TtlTable,
};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{builder, memory, on_every_server, until};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn ttl(secs_of: u64) -> Ttl {
    Ttl::new(secs(secs_of))
}

/// Two instances with one remote level and one clock; the second has no near level.
struct Scene {
    clock: ManualClock,
    one: Cache,
    two: Cache,
    key: Key,
}

impl Scene {
    fn new(table: &str) -> Self {
        let clock = ManualClock::new();
        let remote = MemoryBackend::with_clock(16 << 20, Arc::new(clock.clone()));
        let builder = || {
            let table = TtlTable::from_toml(table).unwrap();
            builder().ttl_table(table).clock(Arc::new(clock.clone())).remote(remote.clone())
        };
        let (one, two) = (builder().near(memory()).build().unwrap(), builder().build().unwrap());
        let key = one.key("profile").tier("free").user(1);
        Self { clock, one, two, key }
    }

    async fn load(&self, options: CallOptions, loaded: Loaded<u32>) -> (u32, Outcome) {
        let load = || async { Ok::<_, Infallible>(loaded) };
        let answer = self.one.fetch_loaded(&self.key, &options, load).await.unwrap();
        (*answer.value, answer.outcome)
    }

    /// What is there, near and remote.
    async fn there(&self) -> (Option<u32>, Option<u32>) {
        let near = self.one.get::<u32>(&self.key).await.unwrap();
        let remote = self.two.get::<u32>(&self.key).await.unwrap();
        (near.map(|value| *value), remote.map(|value| *value))
    }
}

/// Defaults, table, call, loader: who stands further up says how long.
#[tokio::test]
async fn a_layer_counts_before_those_below_it_near_and_remote() {
    let call = CallOptions::table().with_ttl(ttl(40)).unwrap();
    let table = CallOptions::table();
    for (text, options, decided, life) in [
        ("", table, None, 60),
        ("default = '55s'", table, None, 55),
        ("tiers.free.default = '50s'\ndefault = '55s'", table, None, 50),
        ("entities.profile = '48s'\ntiers.free.default = '50s'", table, None, 48),
        ("tiers.free.profile = '45s'\nentities.profile = '48s'", table, None, 45),
        ("tiers.free.profile = '45s'", call, None, 40),
        ("", call, None, 40),
        ("tiers.free.profile = '45s'", call, Some(ttl(30)), 30),
        ("tiers.free.profile = '45s'", table, Some(ttl(90)), 90),
    ] {
        let scene = Scene::new(text);
        let loaded = Loaded::new(7_u32);
        let loaded = decided.into_iter().fold(loaded, |loaded, ttl| loaded.with_ttl(ttl));
        scene.load(options, loaded).await;

        scene.clock.advance(secs(life) - Duration::from_millis(1));
        assert_eq!(scene.there().await, (Some(7), Some(7)), "{text}, {life}");
        scene.clock.advance(Duration::from_millis(1));
        assert_eq!(scene.there().await, (None, None), "{text}, {life}");
    }
}

/// The loader says how long it is fresh, the call how long stale, the table how long near.
#[tokio::test]
async fn a_layer_counts_for_the_times_that_it_sets_and_no_others() {
    let scene = Scene::new("default = { fresh = '50s', stale = '70s', near = '10s' }");
    let options = CallOptions::table().with_ttl(ttl(40).with_stale(secs(300))).unwrap();
    let ask = async |value: u32| scene.load(options, Loaded::new(value).with_ttl(ttl(30))).await;
    assert_eq!(ask(1).await, (1, Outcome::Loaded));

    for (wait, expected) in [
        (9, (1, Outcome::NearHit)),
        (1, (1, Outcome::RemoteHit)),
        (19, (1, Outcome::RemoteHit)),
        (1, (6, Outcome::Loaded)),
    ] {
        scene.clock.advance(secs(wait));
        let value = if expected.1 == Outcome::Loaded { expected.0 } else { 5 };
        assert_eq!(ask(value).await, expected, "after {wait}");
    }
    let fail = || async { Err::<Loaded<u32>, _>(()) };
    scene.clock.advance(secs(299));
    let answer = scene.one.fetch_loaded(&scene.key, &options, fail).await.unwrap();
    assert_eq!((*answer.value, answer.outcome), (6, Outcome::Stale));
    scene.clock.advance(secs(1));
    assert!(scene.one.fetch_loaded(&scene.key, &options, fail).await.is_err());
}

#[tokio::test]
async fn what_its_loader_does_not_want_cached_is_kept_nowhere_and_holds_nobody_up() {
    let scene = Scene::new("default = '1m'");
    let started = Instant::now();

    for value in 1..=3 {
        let loaded = Loaded::new(value).uncached();
        let answer = scene.load(CallOptions::table(), loaded).await;
        assert_eq!(answer, (value, Outcome::Loaded));
        assert_eq!(scene.there().await, (None, None));
    }
    let load = || async { Ok::<_, Infallible>(Loaded::new(4_u32)) };
    scene.two.fetch_loaded(&scene.key, &CallOptions::table(), load).await.unwrap();

    // Nobody waited for the lease of a load that filled nothing: that would take five seconds.
    assert_eq!(scene.there().await, (Some(4), Some(4)));
    assert_eq!(scene.one.stats().waits_given_up + scene.two.stats().waits_given_up, 0);
    assert!(started.elapsed() < secs(4));
}

#[tokio::test]
async fn what_its_loader_does_not_want_cached_leaves_what_is_there() {
    let scene = Scene::new("default = { fresh = '1m', stale = '10m' }");
    scene.load(CallOptions::table(), Loaded::new(1)).await;
    scene.clock.advance(secs(61));

    for value in 2..=3 {
        // The right to refresh is given back behind the caller, and asked for four times a second.
        until("a refresh", async || {
            scene.clock.advance(Duration::from_millis(250));
            let loaded = Loaded::new(value).uncached();
            scene.load(CallOptions::table(), loaded).await == (value, Outcome::Loaded)
        })
        .await;
    }

    let load = || async { Err::<u32, _>(()) };
    let answer = scene.two.fetch(&scene.key, &CallOptions::table(), load).await.unwrap();
    assert_eq!((*answer.value, answer.outcome), (1, Outcome::Stale));
}

#[tokio::test]
async fn what_was_loaded_together_does_not_end_together_and_nothing_lives_too_long() {
    let clock = ManualClock::new();
    let table = TtlTable::from_toml("default = { fresh = '60s', jitter = '20s' }").unwrap();
    let builder = builder().ttl_table(table).clock(Arc::new(clock.clone()));
    let cache = builder.near(memory()).build().unwrap();
    let keys: Vec<_> = (0..500).map(|id| cache.key("profile").user(id)).collect();
    for key in &keys {
        cache.get_or_load(key, || async { Ok::<_, Infallible>(1_u32) }).await.unwrap();
    }
    let there = async || {
        cache.get_many::<u32>(&keys).await.unwrap().iter().filter(|value| value.is_some()).count()
    };

    clock.advance(secs(40));
    assert!(there().await >= 499, "one may end in its very first millisecond");
    let mut left = Vec::new();
    for _ in 0..4 {
        clock.advance(secs(5));
        left.push(there().await);
    }

    // A quarter of them ends in each quarter of the jitter: 125, and never below 60 by chance.
    let ends: Vec<_> = [500].iter().chain(&left).zip(&left).map(|(a, b)| a - b).collect();
    assert!(ends.iter().all(|ends| *ends > 60), "{ends:?}");
    assert_eq!(left[3], 0);
}

#[tokio::test]
async fn lives_of_a_millisecond_and_more_end_in_time() {
    for ms in [1, 400, 1000, 366 * 24 * 60 * 60 * 1000] {
        let scene = Scene::new(&format!("default = '{ms}ms'"));
        scene.load(CallOptions::table(), Loaded::new(1)).await;

        scene.clock.advance(Duration::from_millis(ms - 1));
        assert_eq!(scene.there().await, (Some(1), Some(1)), "{ms} ms");
        scene.clock.advance(Duration::from_millis(1));
        assert_eq!(scene.there().await, (None, None), "{ms} ms");
    }
}

/// Redis has whole milliseconds, and nothing is rounded up to seconds.
async fn the_server_ends_what_lives_for_milliseconds_in_time(server: Server) {
    let remote = RedisBackend::new(&server.url()).unwrap();
    let cache = builder().remote(remote).build().unwrap();
    let year = 366 * 24 * 60 * 60 * 1000;
    for (ms, ends) in [(1, true), (400, true), (1000, true), (year, false)] {
        let key = cache.key("profile").arg(ms);
        let options = CallOptions::table().with_ttl(Ttl::new(Duration::from_millis(ms))).unwrap();
        let load = || async { Ok::<_, Infallible>(1_u32) };
        cache.fetch(&key, &options, load).await.unwrap();

        let left: i64 = server.cli(&["PTTL", key.as_str()]).parse().unwrap();
        // -2: it has ended, which may happen to the shorter ones on a busy machine.
        assert!(left == -2 || (0..=i64::try_from(ms).unwrap()).contains(&left), "{ms}: {left}");
        assert!(ms != year || left > i64::try_from(year - 60_000).unwrap(), "{left}");
        if ends {
            until("its end", async || server.cli(&["EXISTS", key.as_str()]) == "0").await;
            assert_eq!(cache.get::<u32>(&key).await.unwrap(), None);
        }
    }
    let key = cache.key("profile").arg("stale");
    let options = CallOptions::table().with_ttl(ttl(60).with_stale(secs(600))).unwrap();
    cache.fetch(&key, &options, || async { Ok::<_, Infallible>(1_u32) }).await.unwrap();
    let left: u64 = server.cli(&["PTTL", key.as_str()]).parse().unwrap();
    assert!((540_000..=600_000).contains(&left), "what is stale is kept: {left}");
}

on_every_server! { the_server_ends_what_lives_for_milliseconds_in_time }

#[test]
fn no_layer_takes_a_life_that_is_none_or_has_no_end() {
    let year = secs(366 * 24 * 60 * 60);
    assert!(TtlTable::new().with_default(Ttl::new(year)).is_ok());
    for time in [Duration::ZERO, year + Duration::from_millis(1), Duration::MAX] {
        for ttl in [Ttl::new(time), ttl(60).with_stale(time), ttl(60).with_none(time)] {
            let error = TtlTable::new().with_entity("profile", ttl).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("between 1ms and 366 days"), "{error}");
            assert!(CallOptions::table().with_ttl(ttl).is_err());
        }
    }
}

/// A loader cannot return an error of ours: what it says is brought within the bounds.
#[tokio::test]
async fn a_loader_that_says_nonsense_is_brought_within_the_bounds() {
    for (time, there) in [(Duration::ZERO, false), (Duration::MAX, true)] {
        let scene = Scene::new("");
        scene.load(CallOptions::table(), Loaded::new(1).with_ttl(Ttl::new(time))).await;
        scene.clock.advance(secs(3600));
        assert_eq!(scene.there().await.0.is_some(), there, "{time:?}");
        scene.clock.advance(secs(366 * 24 * 60 * 60));
        assert_eq!(scene.there().await, (None, None), "{time:?}");
    }
}

/// Entries say when they were made; the store ends them by a clock that nobody sets.
#[tokio::test]
async fn a_clock_that_is_set_back_does_not_lengthen_a_remote_life() {
    let scene = Scene::new("default = '1m'");
    scene.load(CallOptions::table(), Loaded::new(1)).await;

    scene.clock.step_back(secs(3600));
    scene.clock.advance(secs(59));
    assert_eq!(scene.there().await.1, Some(1));
    scene.clock.advance(secs(1));

    assert_eq!(scene.there().await, (None, None));
}
