//! P1: nobody gets what was stored for somebody else.

use cache_aside::Cache;

use crate::common::{Source, builder, memory, near_only};

#[tokio::test]
async fn tiers_users_tenants_and_arguments_never_share() {
    let (cache, source) = (near_only(), Source::default());
    let base = || cache.key("profile");
    let keys = [
        base(),
        base().tier("free"),
        base().tier("studio"),
        base().user(1),
        base().user(2),
        base().tier("free").user(1),
        base().tier("free").user(2),
        base().tenant("a").user(1),
        base().tenant("b").user(1),
        base().arg(None::<&str>),
        base().arg(Some("")),
        base().arg("a").arg("b"),
        base().arg("a:b"),
        cache.key("profile:-"),
    ];

    for round in [0, 1] {
        for (expected, key) in (1_u32..).zip(&keys) {
            let value = cache.get_or_load(key, || source.load()).await.unwrap();
            assert_eq!(*value, expected, "round {round}: {key:?}");
        }
    }
}

#[tokio::test]
async fn namespaces_on_one_redis_never_share() {
    let (shared, source) = (memory(), Source::default());
    let caches = ["at", "atlas", "at:las", "AT", "at%3Alas"]
        .map(|namespace| Cache::builder(namespace).remote(shared.clone()).build().unwrap());

    for (expected, cache) in (1_u32..).zip(&caches) {
        let key = cache.key("profile").user(1);
        assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), expected);
    }
    caches[0].clear().await.unwrap();

    assert_eq!(caches[0].get::<u32>(&caches[0].key("profile").user(1)).await.unwrap(), None);
    let others = caches[1].get::<u32>(&caches[1].key("profile").user(1)).await.unwrap();
    assert_eq!(*others.unwrap(), 2);
}

#[tokio::test]
async fn a_key_of_64_kib_is_served_uncached_and_counted() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let (key, source) = (cache.key("search").arg("x".repeat(64 << 10)), Source::default());

    for expected in [1, 2] {
        assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), expected);
    }

    assert_eq!(cache.get::<u32>(&key).await.unwrap(), None);
    assert!(cache.set(&key, std::sync::Arc::new(1)).await.is_err());
    cache.invalidate(&key).await.unwrap();
    let stats = cache.stats();
    assert_eq!((stats.keys_too_long, stats.entities["search"].bypassed), (3, 2));
}

/// What is cut off of a key that is too long must not make it the key of something else.
#[tokio::test]
async fn a_key_that_is_too_long_does_not_get_the_answer_of_its_beginning() {
    let (cache, source) = (near_only(), Source::default());
    let base = || cache.key("search").arg("x".repeat(500));
    let short = [base(), base().arg(""), base().arg("").arg("")];
    let long = [base().arg("y".repeat(2000)), base().arg("").arg("é".repeat(2000))];
    for key in &short {
        cache.get_or_load(key, || source.load()).await.unwrap();
    }

    for (expected, key) in (4_u32..).zip(&long) {
        assert!(key.is_too_long());
        assert_eq!(cache.get::<u32>(key).await.unwrap(), None);
        assert_eq!(*cache.get_or_load(key, || source.load()).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_value_over_the_limit_is_served_uncached_and_counted_once() {
    let mut settings = crate::common::settings();
    settings.max_value_bytes = 1000;
    let near_only = || builder().settings(settings.clone()).near(memory());
    for cache in [near_only().build().unwrap(), near_only().remote(memory()).build().unwrap()] {
        let (key, source) = (cache.key("page"), Source::default());
        let load = || async {
            source.load().await?;
            Ok::<_, std::convert::Infallible>("x".repeat(2000))
        };

        for count in 1..=2 {
            assert_eq!(cache.get_or_load(&key, load).await.unwrap().len(), 2000);
            assert_eq!(cache.stats().values_too_large, count);
        }

        assert_eq!(source.loads(), 2);
        let error = cache.set(&key, std::sync::Arc::new("x".repeat(2000))).await.unwrap_err();
        assert_eq!(error.kind(), cache_aside::ErrorKind::TooLarge);
    }
}
