//! Servers that refuse some of what we ask: correct answers, counted, never a hang.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_aside::{Cache, CallOptions, ErrorKind, Hearing, Key, Outcome, RedisConfig};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{Source, instance_of, newer, on_every_server, until};

on_every_server! {
    a_user_without_info_misses_nothing
    what_was_refused_is_used_once_it_is_allowed
    where_the_server_does_not_tell_the_instances_do
    with_a_rule_for_publishing_a_confined_user_tells_and_hears
    without_scripts_nobody_waits_for_a_fill_that_cannot_come
}

fn instance_at(url: &str) -> Cache {
    let settings = "remote_timeout = '1s'\ndegraded_ttl = '1h'\nmax_silence = '1s'";
    instance_of(RedisConfig::new(url).unwrap(), settings)
}

fn allow(server: &Server, rule: &str) {
    let words = ["ACL", "SETUSER", "app", "on", ">secret"];
    server.cli(&words.into_iter().chain(rule.split_whitespace()).collect::<Vec<_>>());
}

/// Connects as a user who may do all but what `rule` takes away.
fn as_user(server: &Server, rule: &str) -> Cache {
    allow(server, &format!("~* &* +@all {rule}"));
    instance_at(&server.url_as("app", "secret"))
}

async fn ask(cache: &Cache, key: &Key, source: &Source) -> (u32, Outcome) {
    let answer = cache.fetch(key, &CallOptions::table(), || source.load()).await.unwrap();
    (*answer.value, answer.outcome)
}

/// Asks until the answer is a near hit.
async fn warm(cache: &Cache, key: &Key, source: &Source) -> u32 {
    let mut value = 0;
    until("a near hit", async || {
        let (answer, outcome) = ask(cache, key, source).await;
        value = answer;
        outcome == Outcome::NearHit
    })
    .await;
    value
}

async fn assert_told(one: &Cache, two: &Cache) {
    let source = Source::default();
    let key = one.key("profile").tier("free").user(1);
    let first = warm(one, &key, &source).await;
    assert_eq!(warm(two, &key, &source).await, first);

    one.invalidate(&key).await.unwrap();
    let second = newer(two, &key, &source, first).await;
    assert_eq!(newer(one, &key, &source, first).await, second);
    warm(two, &key, &source).await;
    one.set(&key, Arc::new(100_u32)).await.unwrap();
    assert_eq!(newer(two, &key, &source, second).await, 100);
    one.invalidate_user(1).await.unwrap();
    until("a value from the source", async || ask(two, &key, &source).await.0 < 100).await;
    for cache in [one, two] {
        assert_eq!(cache.stats().remote_errors, 0);
        assert_eq!(cache.health().await.remote.unwrap().hearing, Hearing::Published);
    }
}

async fn where_the_server_does_not_tell_the_instances_do(server: Server) {
    let (one, two) = (as_user(&server, "-client|tracking"), as_user(&server, "-client|tracking"));

    assert_told(&one, &two).await;

    let (key, source) = (one.key("own"), Source::default());
    let (_, loaded) = ask(&one, &key, &source).await;
    let news = one.stats().news;
    two.invalidate(&two.key("other")).await.unwrap();
    until("the other instance was heard", async || one.stats().news > news).await;
    let (_, next) = ask(&one, &key, &source).await;
    assert_eq!((loaded, next), (Outcome::Loaded, Outcome::NearHit), "our own message ends nothing");
}

/// The rules that `docs/keys.md` states, word by word.
async fn with_a_rule_for_publishing_a_confined_user_tells_and_hears(server: Server) {
    let docs = include_str!("../../docs/keys.md");
    for rule in docs.lines().filter(|line| line.starts_with("ACL SETUSER")) {
        let rule = rule.replace("atlas", "test").replace("…", "secret");
        server.cli(&rule.split_whitespace().collect::<Vec<_>>());
    }
    let url = server.url_as("test", "secret");

    assert_told(&instance_at(&url), &instance_at(&url)).await;
}

async fn without_scripts_nobody_waits_for_a_fill_that_cannot_come(server: Server) {
    let (poor, rich) = (as_user(&server, "-eval -evalsha"), instance_at(&server.url()));
    let (key, source) = (poor.key("profile").user(1), Source::default());

    let started = Instant::now();
    assert_eq!(ask(&poor, &key, &source).await.1, Outcome::Loaded);
    assert_eq!(ask(&rich, &key, &source).await.1, Outcome::Loaded, "no lease is in the way");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let third = as_user(&server, "-eval -evalsha");
    assert_eq!(ask(&third, &key, &source).await, (2, Outcome::RemoteHit));

    server.cli(&["SET", key.as_str(), "junk"]);
    let value = newer(&third, &key, &source, 2).await;
    let refused = third.set(&key, Arc::new(7_u32)).await.unwrap_err();
    third.invalidate(&key).await.unwrap();
    assert!(ask(&third, &key, &source).await.0 > value);

    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("+eval +evalsha"), "{refused}");
    let stats = third.stats();
    assert!(stats.remote_errors > 0, "counted");
    assert_eq!(stats.breaker_openings, 0, "reading goes on");
    assert!(third.health().await.is_complete());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_the_greeting_is_done_without() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = Server::builder(flavour).config("rename-command", "HELLO \"\"");
        let server = server_or_return!(server);
        let (cache, source) = (instance_at(&server.url()), Source::default());

        let started = Instant::now();
        for user in 0..20 {
            let key = cache.key("profile").user(user);
            assert_eq!(ask(&cache, &key, &source).await.1, Outcome::Loaded);
        }

        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        assert!(cache.stats().remote_errors > 0, "counted");
        let problem = cache.health().await.remote.unwrap().problem.unwrap();
        assert!(problem.contains("HELLO 3"), "{problem}");
    }
}

async fn a_user_without_info_misses_nothing(server: Server) {
    let (one, two) = (as_user(&server, "-info"), as_user(&server, "-info"));
    let (key, source) = (one.key("profile").user(1), Source::default());

    assert_eq!(warm(&one, &key, &source).await, 1);
    assert_eq!(warm(&two, &key, &source).await, 1);
    two.invalidate(&key).await.unwrap();
    newer(&one, &key, &source, 1).await;

    for cache in [one, two] {
        assert_eq!(cache.stats().remote_errors, 0);
        assert_eq!(cache.health().await.remote.unwrap().hearing, Hearing::Everything);
    }
}

async fn what_was_refused_is_used_once_it_is_allowed(server: Server) {
    let cache = as_user(&server, "-evalsha");
    let source = Source::default();
    ask(&cache, &cache.key("first"), &source).await;

    allow(&server, "+evalsha");

    let mut user = 0;
    until("something is filled", async || {
        user += 1;
        let key = cache.key("profile").user(user);
        ask(&cache, &key, &source).await;
        server.cli(&["EXISTS", key.as_str()]) == "1"
    })
    .await;
}
