//! The TTL table of a running cache, and what it does not name.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::testing::ManualClock;
use cache_aside::{
    Cache, CallOptions, ErrorKind, Key, Loaded, Outcome, RedisBackend, Ttl, TtlTable,
};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{Source, memory, on_every_server, timed};

fn table(text: &str) -> TtlTable {
    TtlTable::from_toml(text).unwrap()
}

fn cache_of(text: &str) -> (ManualClock, Cache) {
    let (clock, builder) = timed();
    let cache = builder.ttl_table(table(text)).near(memory()).remote(memory()).build();
    (clock, cache.unwrap())
}

async fn ask(cache: &Cache, key: &Key) -> Outcome {
    ask_with(cache, key, CallOptions::table()).await
}

async fn ask_with(cache: &Cache, key: &Key, options: CallOptions) -> Outcome {
    cache.fetch(key, &options, || async { Source::default().load().await }).await.unwrap().outcome
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[tokio::test]
async fn a_new_table_says_how_long_what_is_loaded_from_then_on_lives() {
    let (clock, cache) = cache_of("default = '1m'");
    let key = cache.key("profile").user(1);
    assert_eq!(ask(&cache, &key).await, Outcome::Loaded);

    cache.reload_ttl_table("default = '10s'").unwrap();

    clock.advance(secs(59));
    assert_eq!(ask(&cache, &key).await, Outcome::NearHit, "what is cached keeps its life");
    for _ in 0..2 {
        clock.advance(secs(10));
        assert_eq!(ask(&cache, &key).await, Outcome::Loaded);
    }
    cache.set_ttl_table(table("default = '1h'"));
    clock.advance(secs(10));
    ask(&cache, &key).await;
    clock.advance(secs(3599));
    assert_ne!(ask(&cache, &key).await, Outcome::Loaded);
    assert_eq!(format!("{:?}", cache.ttl_table()), format!("{:?}", table("default = '1h'")));
}

#[tokio::test]
async fn a_wrong_table_is_not_used_and_health_says_why_until_the_next_one_is() {
    let (clock, cache) = cache_of("default = '1m'");
    let key = cache.key("profile").user(1);

    let error = cache.reload_ttl_table("[tiers.free]\nprofile = 'password'").unwrap_err();

    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(text.contains("line 2") && text.contains("the table in use stays"), "{text}");
    assert!(!text.contains("password"), "it may be the text of a wrong file");
    clock.advance(secs(7));
    let health = cache.health().await.ttl_table;
    assert_eq!((health.revision, health.age_ms), (0, 7000));
    assert_eq!(health.problem.as_deref(), Some(text.as_str()));
    ask(&cache, &key).await;
    clock.advance(secs(59));
    assert_eq!(ask(&cache, &key).await, Outcome::NearHit);

    cache.reload_ttl_table("default = '2m'").unwrap();

    clock.advance(secs(1));
    let health = cache.health().await.ttl_table;
    assert_eq!((health.revision, health.age_ms, health.problem), (1, 1000, None));
}

/// Numbers that end before the entries that carry them would end those early.
async fn numbers_of_groups_outlive_what_is_loaded_under_a_new_table(server: Server) {
    let remote = RedisBackend::new(&server.url()).unwrap();
    let cache = Cache::builder("test").ttl_table(table("default = '1m'")).remote(remote).build();
    let cache = cache.unwrap();
    let life = async |user: u64| {
        ask(&cache, &cache.key("profile").user(user)).await;
        server.cli(&["TTL", &format!("test:!user:@{user}")]).parse::<u64>().unwrap()
    };
    let day = 24 * 60 * 60;
    assert!(life(1).await <= 10 * day);

    cache.set_ttl_table(table("default = '100d'"));

    assert!(life(2).await > 100 * day);
}

on_every_server! { numbers_of_groups_outlive_what_is_loaded_under_a_new_table }

#[tokio::test]
async fn what_nobody_names_lives_for_a_minute_and_is_counted() {
    let (clock, cache) = cache_of("[tiers.free]\nprofile = '5m'");
    let key = cache.key("profile").tier("core");

    ask(&cache, &key).await;
    clock.advance(secs(59));
    assert_eq!(ask(&cache, &key).await, Outcome::NearHit);
    clock.advance(secs(1));
    assert_eq!(ask(&cache, &key).await, Outcome::Loaded);

    assert_eq!(cache.stats().ttls_unknown, 2);
    ask(&cache, &cache.key("profile").tier("free")).await;
    assert_eq!(cache.stats().ttls_unknown, 2);
}

#[tokio::test]
async fn a_strict_table_has_nothing_cached_that_nobody_names() {
    for (text, tier, entity) in [
        ("[tiers.free]\nprofile = '5m'", "free", "search"),
        ("[tiers.free]\nprofile = '5m'", "core", "profile"),
        ("default = '5m'\n[tiers.free]\nprofile = '5m'", "fre", "profile"),
        ("entities.search = '5m'", "free", "profile"),
    ] {
        let (_, cache) = cache_of(&format!("strict = true\n{text}"));
        let key = cache.key(entity).tier(tier).user(1);

        for _ in 0..3 {
            assert_eq!(ask(&cache, &key).await, Outcome::Loaded, "{text}, {tier}, {entity}");
        }
        let options = CallOptions::table();
        let batch = [key.clone(), key.clone().arg(1)];
        let load = |missing: Vec<usize>| async move {
            Ok::<_, std::convert::Infallible>(vec![Some(1_u32); missing.len()])
        };
        cache.get_or_load_many(&batch, load).await.unwrap();
        assert!(cache.get_many::<u32>(&batch).await.unwrap().iter().all(Option::is_none));
        assert_eq!(cache.stats().near.entries, 0);
        assert_eq!(cache.stats().ttls_unknown, 5);

        // Who says it otherwise names it.
        let ttl = Ttl::new(secs(60));
        assert_eq!(ask_with(&cache, &key, options.with_ttl(ttl).unwrap()).await, Outcome::Loaded);
        assert_eq!(ask(&cache, &key).await, Outcome::NearHit);
        let key = key.arg("loader");
        let load = || async {
            Ok::<_, std::convert::Infallible>(Loaded::new(1_u32).with_ttl(Ttl::new(secs(60))))
        };
        cache.fetch_loaded(&key, &options, load).await.unwrap();
        assert_eq!(ask(&cache, &key).await, Outcome::NearHit);
        assert_eq!(cache.stats().ttls_unknown, 5);
    }
}

#[tokio::test]
async fn to_set_what_a_strict_table_does_not_name_is_an_error_and_ends_what_was_there() {
    let (_, cache) = cache_of("default = '5m'");
    for (key, expected) in [
        (cache.key("search").tier("core"), "tier \"core\", entity \"search\": add `search`"),
        (cache.key("search"), "entity \"search\" without a tier: add `search` under `[entities]`"),
    ] {
        cache.set_ttl_table(table("default = '5m'"));
        cache.set(&key, Arc::new(1_u32)).await.unwrap();
        cache.set_ttl_table(table("strict = true\n[tiers.free]\nprofile = '5m'"));

        let error = cache.set(&key, Arc::new(2_u32)).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
        assert_eq!(cache.get::<u32>(&key).await.unwrap(), None, "neither near nor remote");
    }
}

#[test]
fn a_table_is_strict_from_code_too() {
    assert_eq!(format!("{:?}", TtlTable::new().strict()), format!("{:?}", table("strict = true")));
}
