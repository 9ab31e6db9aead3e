//! What is answered from where.

use std::convert::Infallible;
use std::time::Duration;

use cache_aside::testing::{Operation, Recorder};
use cache_aside::{CallOptions, Outcome, Ttl};

use crate::common::{Source, builder, memory, near_only, timed};

#[tokio::test]
async fn the_second_call_hits() {
    let (cache, source) = (near_only(), Source::default());
    let key = cache.key("profile").user(1);

    for _ in 0..3 {
        assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 1);
    }

    assert_eq!(source.loads(), 1);
    let stats = cache.stats();
    assert_eq!((stats.entities["profile"].near_hits, stats.entities["profile"].loads), (2, 1));
}

#[tokio::test]
async fn another_instance_hits_the_remote_level_then_its_own() {
    let (remote, source) = (memory(), Source::default());
    let one = builder().near(memory()).remote(remote.clone()).build().unwrap();
    let two = builder().near(memory()).remote(remote).build().unwrap();
    let key = one.key("profile").user(1);
    let options = CallOptions::table();

    let outcome = async |cache: &cache_aside::Cache| {
        cache.fetch(&key, &options, || source.load()).await.unwrap().outcome
    };

    assert_eq!(outcome(&one).await, Outcome::Loaded);
    assert_eq!(outcome(&two).await, Outcome::RemoteHit);
    assert_eq!(outcome(&two).await, Outcome::NearHit);
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn a_near_hit_asks_the_backend_nothing() {
    let (recorder, source) = (Recorder::new(memory()), Source::default());
    let cache = builder().near(memory()).remote(recorder.clone()).build().unwrap();
    let key = cache.key("profile").user(1);
    cache.get_or_load(&key, || source.load()).await.unwrap();
    let miss = recorder.take();

    cache.get_or_load(&key, || source.load()).await.unwrap();

    assert_eq!(miss, [Operation::Get, Operation::Generations, Operation::Set]);
    assert_eq!(recorder.take(), []);
}

#[tokio::test]
async fn an_entry_ends_with_its_ttl_near_and_remote() {
    let (clock, builder) = timed();
    let remote =
        cache_aside::MemoryBackend::with_clock(1 << 20, std::sync::Arc::new(clock.clone()));
    let cache = builder.near(memory()).remote(remote).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();

    clock.advance(Duration::from_millis(59_999));
    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 1);
    clock.advance(Duration::from_millis(1));
    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_copy_from_the_remote_level_lives_no_longer_than_its_original() {
    let (clock, builder) = timed();
    let remote =
        cache_aside::MemoryBackend::with_clock(1 << 20, std::sync::Arc::new(clock.clone()));
    let one = builder.near(memory()).remote(remote.clone()).build().unwrap();
    let (_, builder) = timed();
    let two = builder.clock(std::sync::Arc::new(clock.clone())).near(memory()).remote(remote);
    let two = two.build().unwrap();
    let (key, source) = (one.key("profile"), Source::default());
    one.get_or_load(&key, || source.load()).await.unwrap();

    clock.advance(Duration::from_secs(59));
    assert_eq!(*two.get_or_load(&key, || source.load()).await.unwrap(), 1);
    clock.advance(Duration::from_secs(1));

    assert_eq!(*two.get_or_load(&key, || source.load()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_clock_set_back_does_not_lengthen_a_near_life() {
    let (clock, builder) = timed();
    let cache = builder.near(memory()).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();

    clock.step_back(Duration::from_secs(3600));
    clock.advance(Duration::from_secs(60));

    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 2);
}

#[tokio::test]
async fn while_nobody_can_tell_us_near_entries_live_for_the_degraded_ttl() {
    let (clock, builder) = timed();
    let recorder = Recorder::new(memory());
    let mut settings = crate::common::settings();
    settings.degraded_ttl = Duration::from_secs(5);
    let cache = builder.settings(settings).near(memory()).remote(recorder.clone()).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();
    recorder.take();

    clock.advance(Duration::from_millis(4_999));
    cache.get_or_load(&key, || source.load()).await.unwrap();
    assert_eq!(recorder.take(), []);
    clock.advance(Duration::from_millis(1));
    cache.get_or_load(&key, || source.load()).await.unwrap();

    assert_eq!(recorder.take(), [Operation::Get, Operation::Generations]);
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn an_error_is_returned_as_it_is_and_never_cached() {
    let (cache, source) = (near_only(), Source::default());
    let key = cache.key("profile");

    let failed = cache.get_or_load::<u32, _, _, _>(&key, || async { Err("no database") }).await;

    assert_eq!(failed.unwrap_err(), "no database");
    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 1);
    assert_eq!(cache.stats().entities["profile"].failed, 1);
}

#[tokio::test]
async fn there_is_none_is_cached_only_under_a_none_ttl() {
    let (clock, builder) = timed();
    let cache = builder.near(memory()).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    let load = || async {
        source.load().await.unwrap();
        Ok::<Option<String>, Infallible>(None)
    };
    let uncached = CallOptions::table();
    for _ in 0..2 {
        assert_eq!(*cache.fetch(&key, &uncached, load).await.unwrap().value, None);
    }
    assert_eq!(source.loads(), 2);

    let secs = Duration::from_secs;
    let cached = CallOptions::table().with_ttl(Ttl::new(secs(60)).with_none(secs(5))).unwrap();
    for _ in 0..2 {
        assert_eq!(*cache.fetch(&key, &cached, load).await.unwrap().value, None);
    }
    assert_eq!(source.loads(), 3);
    clock.advance(secs(5));
    cache.fetch(&key, &cached, load).await.unwrap();
    assert_eq!(source.loads(), 4);
}

#[tokio::test]
async fn get_and_set_need_no_loader() {
    let remote = memory();
    let one = builder().near(memory()).remote(remote.clone()).build().unwrap();
    let two = builder().near(memory()).remote(remote).build().unwrap();
    let key = one.key("profile").user(1);
    assert_eq!(one.get::<String>(&key).await.unwrap(), None);

    one.set(&key, std::sync::Arc::new(String::from("Ada"))).await.unwrap();

    for cache in [&one, &two, &two] {
        assert_eq!(cache.get::<String>(&key).await.unwrap().unwrap().as_str(), "Ada");
    }
    let stats = [one.stats().total(), two.stats().total()];
    assert_eq!((stats[0].near_hits, stats[0].missed), (1, 1));
    assert_eq!((stats[1].near_hits, stats[1].remote_hits), (1, 1));
}

/// The numbers of groups must not end before the entries that carry them, and not all at once.
#[tokio::test]
async fn entries_outlive_the_age_of_their_groups() {
    let (clock, builder) = timed();
    let remote =
        cache_aside::MemoryBackend::with_clock(1 << 20, std::sync::Arc::new(clock.clone()));
    let table = cache_aside::TtlTable::from_toml("default = '12h'").unwrap();
    let cache = builder.ttl_table(table).remote(remote).build().unwrap();
    let (source, hour) = (Source::default(), Duration::from_secs(3600));
    cache.get_or_load(&cache.key("profile").tier("free"), || source.load()).await.unwrap();
    for _ in 0..30 {
        clock.advance(hour * 24 - Duration::from_secs(1));
        let key = cache.key("profile").tier("free").arg(source.loads());
        cache.get_or_load(&key, || source.load()).await.unwrap();
        clock.advance(hour);
        let loads = source.loads();
        cache.get_or_load(&key, || source.load()).await.unwrap();
        assert_eq!(source.loads(), loads, "an hour old, of twelve");
    }
}
