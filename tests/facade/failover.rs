//! What holds while sentinels make another server the primary. On real servers and sentinels.

use std::time::Instant;

use cache_aside::{Cache, CallOptions, Key, Outcome, RedisConfig};
use cache_test_servers::{Flavour, SentinelSet, sentinel_or_return};

use crate::common::{Source, instance_of, listening, newer, until, warm};

macro_rules! on_every_set {
    ($($name:ident)*) => {
        on_every_set!(redis_7, Redis: $($name)*);
        on_every_set!(valkey_8, Valkey: $($name)*);
    };
    ($module:ident, $flavour:ident: $($name:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let set = super::sentinel_or_return!(super::Flavour::$flavour);
                super::$name(&set).await;
            })*
        }
    };
}

on_every_set! {
    a_killed_primary_is_followed_and_nothing_from_before_is_trusted
    a_primary_that_hands_over_is_followed
}

/// An instance whose near entries only end in time if somebody tells it.
fn instance(set: &SentinelSet) -> Cache {
    let urls = set.addresses().into_iter().map(|(host, port)| format!("redis://{host}:{port}"));
    let config = RedisConfig::sentinel(SentinelSet::NAME, urls).unwrap();
    instance_of(config, "remote_timeout = '1s'\ndegraded_ttl = '1h'")
}

/// Waits until a new entry of one instance is found by the other.
async fn shared_again(one: &Cache, two: &Cache, source: &Source) {
    let mut user = 0;
    until("an entry is shared", async || {
        user += 1;
        let key = one.key("after").user(user);
        one.get_or_load(&key, || source.load()).await.unwrap();
        two.get::<u32>(&key).await.unwrap().is_some()
    })
    .await;
}

/// What one instance invalidates, the other loads again.
async fn assert_heard(one: &Cache, two: &Cache, key: &Key, source: &Source) {
    let old = warm(two, key, source).await;
    one.invalidate(key).await.unwrap();
    newer(two, key, source, old).await;
}

async fn a_killed_primary_is_followed_and_nothing_from_before_is_trusted(set: &SentinelSet) {
    let (one, two, source) = (instance(set), instance(set), Source::default());
    let key = one.key("profile").user(1);
    let value = warm(&one, &key, &source).await;
    assert_eq!(warm(&two, &key, &source).await, value);
    set.wait_until_copied();

    let (old, killed) = (set.primary(), Instant::now());
    old.kill();
    until("the outage is noticed", async || !listening(&two).await).await;
    until("a write", async || one.invalidate(&key).await.is_ok()).await;
    println!("from the kill to the next write: {:?}", killed.elapsed());
    shared_again(&one, &two, &source).await;

    // Nobody told the second instance of the write: it was made before or after it was back.
    let answer = *two.get_or_load(&key, || source.load()).await.unwrap();
    assert!(answer > value, "{answer} is from before the failover");
    assert_heard(&one, &two, &key, &source).await;
    assert_eq!(set.wait_for_new_primary(old).cli(&["EXISTS", key.as_str()]), "1");
}

async fn a_primary_that_hands_over_is_followed(set: &SentinelSet) {
    let (one, two, source) = (instance(set), instance(set), Source::default());
    let key = one.key("profile").user(1);
    assert_heard(&one, &two, &key, &source).await;
    warm(&two, &key, &source).await;

    let old = set.primary();
    set.fail_over();
    let new = set.wait_for_new_primary(old);
    until("what was near is not trusted any more", async || {
        let options = CallOptions::table();
        let answer = two.fetch(&key, &options, || source.load()).await.unwrap();
        answer.outcome != Outcome::NearHit
    })
    .await;
    until("the new primary is used", async || {
        one.invalidate(&key).await.is_ok()
            && new.cli(&["CLIENT", "LIST"]).matches(" resp=3").count() == 2
    })
    .await;

    assert_heard(&one, &two, &key, &source).await;
    assert_eq!(new.cli(&["EXISTS", key.as_str()]), "1");
}
