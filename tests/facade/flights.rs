//! P5: one load per missing key, and nobody hangs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cache_aside::Settings;
use cache_aside::testing::{Fault, Faulty};
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::common::{Source, builder, memory, near_only, settings, until};

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_cause_one_load() {
    let cache = near_only();
    let (key, loads) = (cache.key("profile"), AtomicU32::new(0));
    let load = || async {
        sleep(Duration::from_millis(20)).await;
        Ok::<_, ()>(loads.fetch_add(1, Ordering::SeqCst))
    };

    let answers = join_all((0..1000).map(|_| cache.get_or_load(&key, load))).await;

    assert!(answers.into_iter().all(|answer| *answer.unwrap() == 0));
    let stats = cache.stats().total();
    assert_eq!((stats.loads, stats.coalesced, stats.loaded), (1, 999, 1000));
    assert_eq!(cache.stats().in_flight, 0);
}

#[tokio::test]
async fn callers_on_several_instances_cause_one_load() {
    let (shared, source) = (memory(), Source::default());
    let instances: Vec<_> =
        (0..4).map(|_| builder().near(memory()).remote(shared.clone()).build().unwrap()).collect();
    let key = instances[0].key("profile");
    let load = || async {
        sleep(Duration::from_millis(20)).await;
        source.load().await
    };

    let calls = (0..200).map(|index| instances[index % 4].get_or_load(&key, load));
    let answers = join_all(calls).await;

    assert!(answers.into_iter().all(|answer| *answer.unwrap() == 1));
    assert_eq!(source.loads(), 1);
}

/// After a group invalidation the entries are still there, but worthless: still one load each.
#[tokio::test]
async fn an_ended_entry_is_loaded_once_by_all_instances() {
    let (shared, source) = (memory(), Source::default());
    let instances: Vec<_> =
        (0..4).map(|_| builder().near(memory()).remote(shared.clone()).build().unwrap()).collect();
    let key = instances[0].key("profile").user(1);
    instances[0].get_or_load(&key, || source.load()).await.unwrap();
    instances[0].invalidate_user(1).await.unwrap();
    let load = || async {
        sleep(Duration::from_millis(20)).await;
        source.load().await
    };

    let calls = (0..200).map(|index| instances[index % 4].get_or_load(&key, load));
    let answers = join_all(calls).await;

    assert!(answers.into_iter().all(|answer| *answer.unwrap() == 2));
    assert_eq!(source.loads(), 2);
}

/// A cancelled leader hangs or fails its followers in several libraries.
#[tokio::test]
async fn a_cancelled_caller_costs_one_more_load_and_gives_its_lease_back() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let key = cache.key("profile");
    let leader = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(
            async move { cache.get_or_load::<u32, (), _, _>(&key, std::future::pending).await },
        )
    };
    until("the load is under way", async || cache.stats().total().loads == 1).await;
    let follower = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(async move { cache.get_or_load(&key, || async { Ok::<_, ()>(2_u32) }).await })
    };

    leader.abort();

    assert_eq!(*follower.await.unwrap().unwrap(), 2);
    assert_eq!(cache.stats().waits_given_up, 0);
    assert_eq!(*cache.get::<u32>(&key).await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_panicking_loader_costs_one_more_load() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let key = cache.key("profile");
    let leader = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(async move {
            let load = || async { panic!("the loader's own bug") };
            cache.get_or_load::<u32, (), _, _>(&key, load).await
        })
    };
    assert!(leader.await.unwrap_err().is_panic());

    let after = cache.get_or_load(&key, || async { Ok::<_, ()>(2_u32) }).await.unwrap();

    assert_eq!(*after, 2);
    assert_eq!(cache.stats().waits_given_up, 0);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_the_deadline_and_the_caller_loads_for_itself() {
    let cache = near_only();
    let key = cache.key("profile");
    let hung = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(
            async move { cache.get_or_load::<u32, (), _, _>(&key, std::future::pending).await },
        )
    };
    until("the load is under way", async || cache.stats().total().loads == 1).await;

    let started = tokio::time::Instant::now();
    let answer = cache.get_or_load(&key, || async { Ok::<_, ()>(2_u32) }).await.unwrap();

    assert_eq!(*answer, 2);
    assert_eq!(started.elapsed().as_secs(), Settings::default().wait.as_secs());
    assert_eq!(cache.stats().waits_given_up, 1);
    hung.abort();
}

/// A load that takes longer than anybody waits must not become one load per caller, nor one caller
/// per wait: not even where nothing can be kept near, or the load fails.
#[tokio::test(start_paused = true)]
async fn callers_of_a_load_that_outlasts_their_wait_are_answered_soon_and_by_few_loads() {
    let remote = || builder().remote(memory()).build().unwrap();
    for (cache, fails) in [(near_only(), false), (near_only(), true), (remote(), false)] {
        let (key, source) = (cache.key("profile"), Source::default());
        let load = || async {
            sleep(Duration::from_secs(8)).await;
            let value = source.load().await.unwrap();
            if fails { Err("no database") } else { Ok(value) }
        };

        let started = tokio::time::Instant::now();
        let answers = join_all((0..100).map(|_| cache.get_or_load(&key, load))).await;

        assert!(answers.iter().all(|answer| answer.is_err() == fails));
        assert!(started.elapsed().as_secs() <= 21, "{:?}", started.elapsed());
        assert!(fails || source.loads() <= 3, "{} loads", source.loads());
    }
}

/// A slow loader of one's own is not somebody else's: its caller waits for it.
#[tokio::test(start_paused = true)]
async fn a_load_may_take_longer_than_others_would_wait() {
    let cache = near_only();
    let key = cache.key("profile");

    let load = || async {
        sleep(Duration::from_secs(3600)).await;
        Ok::<_, ()>(1)
    };

    assert_eq!(*cache.get_or_load(&key, load).await.unwrap(), 1);
    assert_eq!(cache.stats().total().loads, 1);
}

#[tokio::test]
async fn a_lease_of_a_dead_process_frees_itself() {
    let (shared, source) = (memory(), Source::default());
    let mut short = settings();
    short.remote_timeout = Duration::from_millis(50);
    short.lease_ttl = Duration::from_millis(100);
    // A process that dies loses every later message: so do its releases.
    let link = Faulty::new(shared.clone());
    let dying = builder().settings(short).remote(link.clone()).build().unwrap();
    let key = dying.key("profile");
    let load = {
        let (dying, key) = (dying.clone(), key.clone());
        tokio::spawn(
            async move { dying.get_or_load::<u32, (), _, _>(&key, std::future::pending).await },
        )
    };
    until("the load is under way", async || dying.stats().total().loads == 1).await;
    link.set_fault(Fault::Hang);
    load.abort();

    let living = builder().near(memory()).remote(shared).build().unwrap();
    let answer = living.get_or_load(&key, || source.load()).await.unwrap();

    assert_eq!(*answer, 1);
    assert_eq!(living.stats().waits_given_up, 0);
    assert!(living.get::<u32>(&key).await.unwrap().is_some());
}

/// A failing loader runs once per waiter in hitbox; one after another in cacheable.
#[tokio::test(start_paused = true)]
async fn waiters_of_a_failed_load_do_not_queue_up_behind_each_other() {
    let cache = near_only();
    let key = cache.key("profile");
    let load = || async {
        sleep(Duration::from_secs(1)).await;
        Err::<u32, _>("no database")
    };

    let started = tokio::time::Instant::now();
    let answers = join_all((0..50).map(|_| cache.get_or_load(&key, load))).await;

    assert!(answers.into_iter().all(|answer| answer.unwrap_err() == "no database"));
    assert_eq!(started.elapsed().as_secs(), 2, "the first load, then theirs side by side");
}

/// Flights of unrelated caches of one process must not meet (oxcache).
#[tokio::test]
async fn two_caches_of_one_process_share_no_flights() {
    let (one, two) = (near_only(), near_only());
    let key = one.key("profile");
    let (first, second) = tokio::join!(
        one.get_or_load(&key, || async {
            tokio::task::yield_now().await;
            Ok::<_, ()>(1)
        }),
        two.get_or_load(&key, || async { Ok::<_, ()>(2_u32) }),
    );

    assert_eq!((*first.unwrap(), *second.unwrap()), (1, 2));
}

/// Keys that merely share a bucket must not wait for each other (cached).
#[tokio::test(start_paused = true)]
async fn distinct_keys_load_side_by_side() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let load = || async {
        sleep(Duration::from_millis(100)).await;
        Ok::<_, ()>(1)
    };
    let keys: Vec<_> = (0..300).map(|index| cache.key("profile").user(index)).collect();

    let started = tokio::time::Instant::now();
    join_all(keys.iter().map(|key| cache.get_or_load(key, load))).await;

    assert!(started.elapsed() < Duration::from_millis(150), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn cancelled_loads_leave_nothing_behind() {
    let cache = near_only();
    for user in 0..100 {
        let key = cache.key("profile").user(user);
        let hung = cache.get_or_load::<u32, (), _, _>(&key, std::future::pending);
        assert!(tokio::time::timeout(Duration::from_millis(1), hung).await.is_err());
    }

    assert_eq!(cache.stats().in_flight, 0);
}
