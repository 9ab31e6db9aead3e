//! P2: once an invalidation has returned, nothing from before it is served here again.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty};
use cache_aside::{Cache, Invalidation, MemoryBackend};

use crate::common::{SlowLoad, Source, builder, memory, near_only, until};

#[tokio::test]
async fn an_edit_is_seen() {
    let (cache, source) = (near_only(), Source::default());
    let key = cache.key("profile").user(1);
    cache.get_or_load(&key, || source.load()).await.unwrap();

    cache.invalidate(&key).await.unwrap();

    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 2);
}

/// Unconditional writes after the loader returned are the bug of every hybrid cache.
#[tokio::test]
async fn a_slow_load_from_before_an_invalidation_is_not_served_after_it() {
    for remote in [None, Some(memory())] {
        let mut builder = builder().near(memory());
        if let Some(remote) = remote {
            builder = builder.remote(remote);
        }
        let cache = builder.build().unwrap();
        let key = cache.key("profile").user(1);
        let slow = SlowLoad::start(&cache, &key, 1).await;

        cache.invalidate(&key).await.unwrap();
        assert_eq!(slow.finish().await, 1, "the caller from before may have it");

        assert_eq!(*cache.get_or_load(&key, || async { Ok::<_, ()>(2_u32) }).await.unwrap(), 2);
        assert_eq!(*cache.get::<u32>(&key).await.unwrap().unwrap(), 2);
    }
}

/// A `get` after an invalidation must not join an older flight (cachet).
#[tokio::test]
async fn a_call_after_an_invalidation_does_not_wait_for_a_load_from_before() {
    let cache = near_only();
    let key = cache.key("profile").user(1);
    let before = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(
            async move { cache.get_or_load::<u32, (), _, _>(&key, std::future::pending).await },
        )
    };
    until("the load is under way", async || cache.stats().total().loads == 1).await;

    cache.invalidate(&key).await.unwrap();
    let after = cache.get_or_load(&key, || async { Ok::<_, ()>(2_u32) }).await.unwrap();

    assert_eq!(*after, 2);
    assert_eq!(cache.stats().waits_given_up, 0);
    before.abort();
}

/// A local reader pulls the old remote value back while the writer is still telling Redis
/// (FusionCache #613).
#[tokio::test]
async fn a_reader_in_the_middle_of_an_invalidation_does_not_keep_the_old_value() {
    let shared = memory();
    let remote = Faulty::new(shared);
    let cache = builder().near(memory()).remote(remote.clone()).build().unwrap();
    let (key, source) = (cache.key("profile").user(1), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();

    remote.set_fault(Fault::Delay(Duration::from_millis(50)));
    let writer = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(async move { cache.invalidate(&key).await })
    };
    until("near is empty", async || cache.stats().invalidations == 1).await;
    remote.set_fault(None);
    let pulled = cache.get_or_load(&key, || source.load()).await.unwrap();
    assert_eq!(*pulled, 1, "the reader came before the writer had told the remote level");
    writer.await.unwrap().unwrap();

    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_seen_here_even_while_the_remote_level_hangs() {
    let remote = Faulty::new(memory());
    let cache = builder().near(memory()).remote(remote.clone()).build().unwrap();
    let (key, source) = (cache.key("profile").user(1), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();

    remote.set_fault(Fault::Hang);
    let writer = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(async move { cache.invalidate(&key).await })
    };
    tokio::task::yield_now().await;
    let seen = cache.get_or_load(&key, || source.load()).await.unwrap();

    assert_eq!(*seen, 2);
    assert_eq!(writer.await.unwrap().unwrap(), Invalidation::Journalled);
}

#[tokio::test]
async fn a_writer_dropped_half_way_leaves_nothing_old_here() {
    let remote = Faulty::new(memory());
    let cache = builder().near(memory()).remote(remote.clone()).build().unwrap();
    let (key, source) = (cache.key("profile").user(1), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();

    remote.set_fault(Fault::DropReply);
    let dropped = tokio::time::timeout(Duration::from_millis(5), cache.invalidate(&key)).await;
    remote.set_fault(None);

    assert!(dropped.is_err());
    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 2);
}

/// A slow loader on another instance cannot write the old value back.
#[tokio::test]
async fn a_slow_load_on_another_instance_does_not_reach_the_remote_level() {
    let shared = memory();
    let instance = || builder().near(memory()).remote(shared.clone()).build().unwrap();
    let (slow, writer, reader) = (instance(), instance(), instance());
    let key = slow.key("profile").user(1);
    let load = SlowLoad::start(&slow, &key, 1).await;

    writer.invalidate(&key).await.unwrap();
    load.finish().await;

    assert_eq!(reader.get::<u32>(&key).await.unwrap(), None);
    assert_eq!(slow.get::<u32>(&key).await.unwrap(), None, "nor its own near level");
    assert_eq!(slow.stats().fenced_fills, 1);
}

/// Many tasks, one key, one truth that only grows: nobody sees it shrink after an invalidation.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_answer_is_older_than_the_last_invalidation() {
    for remote in [None, Some(memory())] {
        let mut builder = builder().near(memory());
        if let Some(remote) = remote {
            builder = builder.remote(remote);
        }
        hammer(&builder.build().unwrap()).await;
    }
}

async fn hammer(cache: &Cache) {
    use std::sync::atomic::{AtomicU64, Ordering};
    let (truth, settled) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    for task in 0..8_u64 {
        let (cache, truth, settled) = (cache.clone(), Arc::clone(&truth), Arc::clone(&settled));
        tasks.push(tokio::spawn(async move {
            let key = cache.key("truth").user(1);
            for round in 0..2_000_u64 {
                if task < 2 && round % 20 == task * 7 {
                    let edit = truth.fetch_add(1, Ordering::SeqCst) + 1;
                    if round % 40 < 20 {
                        cache.invalidate(&key).await.unwrap();
                    } else {
                        cache.invalidate_user(1).await.unwrap();
                    }
                    settled.fetch_max(edit, Ordering::SeqCst);
                    continue;
                }
                let floor = settled.load(Ordering::SeqCst);
                let load = || async {
                    let now = truth.load(Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok::<_, ()>(now)
                };
                let seen = *cache.get_or_load(&key, load).await.unwrap();
                assert!(seen >= floor, "task {task}, round {round}: {seen} after {floor}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_value_that_is_too_large_for_the_near_level_is_loaded_each_time() {
    let cache = builder().near(MemoryBackend::with_max_bytes(1)).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    until("it is evicted", async || {
        cache.get_or_load(&key, || source.load()).await.unwrap();
        source.loads() > 3
    })
    .await;
}
