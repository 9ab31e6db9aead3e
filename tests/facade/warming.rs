//! Warming: values that are wanted before anybody asks for them.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_aside::{Cache, Key, Progress, Warmups};
use tokio::time::{Instant, sleep};

use crate::common::{near_only, until};

fn keys(cache: &Cache, count: usize) -> Vec<Key> {
    (0..count).map(|at| cache.key("plan").arg(at as u64)).collect()
}

#[tokio::test]
async fn what_is_missing_is_loaded_and_what_fails_is_counted() {
    let cache = near_only();
    cache.set(&cache.key("plan").arg(1_u64), Arc::new(1_u64)).await.unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&steps);

    let load = |at: usize| async move {
        assert_ne!(at, 0, "the loader's own bug");
        if at == 2 { Err(()) } else { Ok(at as u64) }
    };
    let tell = move |progress: Progress| told.lock().unwrap().push(progress.done());
    let progress = cache.warm(keys(&cache, 4), load).on_progress(tell).await;

    assert_eq!((progress.total, progress.hits, progress.loaded, progress.failed), (4, 1, 1, 2));
    assert!(progress.is_over());
    assert_eq!(*steps.lock().unwrap(), [1, 2, 3, 4]);
    assert_eq!(*cache.get::<u64>(&keys(&cache, 4)[3]).await.unwrap().unwrap(), 3);
    assert_eq!(cache.stats().total().loads, 3);
}

#[tokio::test(start_paused = true)]
async fn no_more_keys_are_begun_in_a_second_than_the_rate_says() {
    let cache = near_only();
    let started = Instant::now();

    let load = |at: usize| async move { Ok::<_, Infallible>(at as u64) };
    cache.warm(keys(&cache, 101), load).rate(50).concurrency(10).await;

    let took = started.elapsed().as_millis();
    assert!((2000..2100).contains(&took), "{took} ms");
}

#[tokio::test(start_paused = true)]
async fn no_more_keys_are_loaded_side_by_side_than_is_said() {
    let cache = near_only();
    let [now, most] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let (its_now, its_most) = (Arc::clone(&now), Arc::clone(&most));

    let load = move |at: usize| {
        let (now, most) = (Arc::clone(&its_now), Arc::clone(&its_most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_millis(10)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, Infallible>(at as u64)
        }
    };
    cache.warm(keys(&cache, 50), load).concurrency(4).await;

    assert_eq!((most.load(Ordering::SeqCst), now.load(Ordering::SeqCst)), (4, 0));
}

#[tokio::test]
async fn a_declared_list_is_warmed_in_its_order_behind_the_service_and_seen_in_health() {
    let cache = near_only();
    let (end, ended) = tokio::sync::watch::channel(false);
    let slow = move |at: usize| {
        let mut ended = ended.clone();
        async move {
            _ = ended.wait_for(|ended| *ended).await;
            Ok::<_, Infallible>(at as u64)
        }
    };
    let quick = |at: usize| async move { Ok::<_, Infallible>(at as u64 + 100) };
    let pages = move |cache: &Cache| cache.warm([cache.key("page").arg(1_u64)], quick);

    let warmups = Warmups::new().add("plans", move |it| it.warm(keys(it, 3), slow));
    let started = warmups.add("pages", pages).start(&cache);

    until("its beginning", async || cache.stats().in_flight == 3).await;
    let health = cache.health().await;
    let over: Vec<_> = health.warming.iter().map(|it| (it.name.as_str(), it.is_over)).collect();
    assert_eq!(over, [("plans", false), ("pages", false)]);
    assert!(health.is_complete(), "nobody waits for it");
    end.send(true).unwrap();
    let done = started.done().await;

    assert!(done.iter().all(|item| item.is_over && item.progress.is_over()));
    assert_eq!(done.iter().map(|item| item.progress.loaded).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(cache.health().await.warming, done);
}

#[tokio::test]
async fn close_ends_what_is_being_warmed() {
    let cache = near_only();
    let never = |_| pending::<Result<u64, Infallible>>();
    let started = Warmups::new().add("plans", move |it| it.warm(keys(it, 3), never)).start(&cache);
    until("its beginning", async || cache.stats().in_flight == 3).await;

    cache.close().await;

    assert!(!started.done().await[0].is_over);
    until("its loaders' end", async || cache.stats().in_flight == 0).await;
}
