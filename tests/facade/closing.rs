//! P7 and P9 at the end of a cache's life: what can still be told is told, and nothing goes on.

use std::time::Duration;

use cache_aside::testing::{Fault, Faulty, Recorder};
use cache_aside::{Cache, ErrorKind, MemoryBackend, RemoteState};
use cache_test_servers::{Flavour, Server, server_or_return};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::common::{
    SlowLoad, Source, builder, instance_of, memory, on_every_server, settings, until,
};

on_every_server! {
    a_cache_that_is_dropped_leaves_no_task
}

fn breakable() -> (Faulty<MemoryBackend>, Cache, Cache) {
    let store = memory();
    let remote = Faulty::new(store.clone());
    let mut settings = settings();
    settings.close_timeout = Duration::from_secs(3);
    settings.remote_timeout = Duration::from_millis(100);
    let cache = builder().settings(settings).remote(remote.clone()).build().unwrap();
    (remote, cache, builder().remote(store).build().unwrap())
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn closing_takes_no_time_if_nothing_is_owed() {
    let (_, cache, _) = breakable();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();
    let started = Instant::now();

    assert!(cache.close().await.is_clean());

    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(cache.health().await.remote.unwrap().state, RemoteState::Closed);
}

#[tokio::test]
async fn a_load_that_ends_after_the_cache_was_closed_is_answered_and_reaches_nobody_else() {
    let store = memory();
    let cache = builder().near(memory()).remote(store.clone()).build().unwrap();
    let (other, source) = (builder().remote(store).build().unwrap(), Source::default());
    let (one, two) = (cache.key("one"), cache.key("two"));
    let load = SlowLoad::start(&cache, &one, 7).await;

    cache.close().await;

    assert_eq!(load.finish().await, 7);
    assert_eq!(*cache.get_or_load(&two, || source.load()).await.unwrap(), 1, "calls go on");
    assert_eq!(other.get::<u32>(&one).await.unwrap(), None);
    assert_eq!(other.get::<u32>(&two).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn closing_tells_what_is_owed() {
    let (remote, cache, other) = breakable();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();
    remote.set_fault(Fault::Hang);
    for _ in 0..5 {
        cache.invalidate(&key).await.unwrap();
    }
    let back = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        remote.set_fault(None);
    };

    let (closed, ()) = tokio::join!(cache.close(), back);

    assert!(closed.is_clean(), "{closed:?}");
    assert_eq!(other.get::<u32>(&key).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_in_time_and_says_what_was_left() {
    for fault in [Fault::Fail, Fault::Hang] {
        let (remote, cache, _) = breakable();
        let keys = [1, 2].map(|user| cache.key("profile").user(user));
        remote.set_fault(fault);
        cache.invalidate_many(&keys).await.unwrap();
        let started = Instant::now();

        let closed = cache.close().await;

        assert_eq!((closed.invalidations_left, closed.leases_left), (2, 0), "{fault:?}");
        assert!((2900..3200).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn after_closing_an_invalidation_is_an_error() {
    let (_, cache, _) = breakable();
    cache.close().await;

    let error = cache.invalidate(&cache.key("profile")).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(error.to_string().contains("the cache is closed"), "{error}");
    assert_eq!(cache.stats().journal_depth, 0);
}

#[tokio::test(start_paused = true)]
async fn leases_of_cancelled_loads_are_given_back_before_the_end() {
    let (_, cache, other) = breakable();
    let (key, source) = (cache.key("profile"), Source::default());
    let load = async || std::future::pending::<Result<u32, ()>>().await;
    let call = cache.get_or_load(&key, load);
    assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());

    assert!(cache.close().await.is_clean());

    let started = Instant::now();
    other.get_or_load(&key, || source.load()).await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO, "nobody waits for the lease");
}

/// In an outage, with invalidations to replay and leases to give back.
#[tokio::test(start_paused = true)]
async fn a_cache_that_is_dropped_in_an_outage_leaves_no_task() {
    let before = tasks();
    for fault in [Fault::Fail, Fault::Hang, Fault::DropReply] {
        let (remote, cache, other) = breakable();
        let source = Source::default();
        remote.set_fault(fault);
        for user in 0..10 {
            let key = cache.key("profile").user(user);
            cache.get_or_load(&key, || source.load()).await.unwrap();
            cache.invalidate(&key).await.unwrap();
        }
        assert!(tasks() > before, "it is looked after");

        drop((cache, other));

        until("all tasks have ended", async || tasks() == before).await;
    }
}

async fn a_cache_that_is_dropped_leaves_no_task(server: Server) {
    let config = cache_aside::RedisConfig::new(&server.url()).unwrap();
    let before = tasks();
    for is_killed in [false, true] {
        let cache = instance_of(config.clone(), "");
        let (key, source) = (cache.key("profile"), Source::default());
        cache.get_or_load(&key, || source.load()).await.unwrap();
        if is_killed {
            server.stop();
            cache.invalidate(&key).await.unwrap();
        }
        assert!(tasks() > before);

        drop(cache);

        until("all tasks have ended", async || tasks() == before).await;
        server.resume();
    }
}

#[tokio::test]
async fn only_the_first_close_reaches_the_backend_after_everything_is_told() {
    let recorder = Recorder::new(memory());
    let cache = builder().remote(recorder.clone()).build().unwrap();
    cache.invalidate(&cache.key("profile")).await.unwrap();

    cache.close().await;
    let operations = recorder.take();

    assert_eq!(operations.last(), Some(&cache_aside::testing::Operation::Close));
}
