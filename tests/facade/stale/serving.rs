//! Who is served what is stale, and who loads it again.

use std::time::Duration;

use cache_aside::{CacheBuilder, CallOptions, MemoryBackend, Outcome};
use tokio::time::{Instant, sleep};

use super::scene::{Failure, Scene};
use crate::common::{memory, until};

#[tokio::test]
async fn a_stale_value_is_served_at_once_and_refreshed_behind_the_caller() {
    let scene = Scene::new();
    assert_eq!(scene.ask_owned().await.unwrap(), (1, Outcome::Loaded));
    scene.pass(61);
    scene.origin.stop();

    for _ in 0..3 {
        assert_eq!(scene.ask_owned().await.unwrap(), (1, Outcome::Stale));
    }
    until("the refresh", async || scene.origin.loads() == 2).await;
    scene.origin.resume();

    until("the new value", async || scene.ask_owned().await.unwrap() == (2, Outcome::NearHit))
        .await;
    let stats = scene.cache.stats().entities["profile"];
    assert_eq!((stats.refreshes, stats.loads, scene.origin.loads()), (1, 2, 2));
    assert!(stats.stale >= 3);
}

/// Who brings a loader that cannot outlive the call waits for it; one of all that ask.

#[tokio::test]
async fn of_callers_with_borrowed_loaders_one_refreshes_and_the_others_do_not_wait() {
    let scene = Scene::new();
    scene.ask().await.unwrap();
    scene.pass(61);
    scene.origin.stop();

    let refresher = scene.ask();
    let others = async {
        until("the refresh", async || scene.origin.loads() == 2).await;
        for _ in 0..100 {
            assert_eq!(scene.ask().await.unwrap(), (1, Outcome::Stale));
        }
        scene.origin.resume();
    };
    let (refresher, ()) = tokio::join!(refresher, others);

    assert_eq!(refresher.unwrap(), (2, Outcome::Loaded));
    assert_eq!(scene.ask().await.unwrap(), (2, Outcome::NearHit));
    assert_eq!(scene.origin.loads(), 2);
}

#[tokio::test]
async fn past_its_stale_time_nothing_is_served_and_errors_are_the_loaders() {
    for owned in [false, true] {
        let scene = Scene::new();
        scene.ask().await.unwrap();
        scene.origin.fail(true);
        scene.pass(599);
        assert_eq!(scene.ask().await.unwrap().1, Outcome::Stale);
        scene.pass(1);

        let answer = if owned { scene.ask_owned().await } else { scene.ask().await };

        assert!(matches!(answer, Err(Failure(None))));
    }
}

#[tokio::test]
async fn when_the_loader_fails_the_stale_value_is_served_and_the_loader_left_alone_for_a_while() {
    let scene = Scene::new();
    scene.ask().await.unwrap();
    scene.pass(61);
    scene.origin.fail(true);

    for _ in 0..50 {
        assert_eq!(scene.ask().await.unwrap(), (1, Outcome::Stale));
    }
    assert_eq!(scene.origin.loads(), 2, "`backoff_min` is a second");
    scene.pass(1);
    for _ in 0..50 {
        assert_eq!(scene.ask_owned().await.unwrap(), (1, Outcome::Stale));
    }
    until("its failure", async || scene.cache.stats().total().refreshes_failed == 2).await;
    scene.pass(1);
    scene.ask().await.unwrap();
    assert_eq!(scene.origin.loads(), 3, "twice as long the second time");

    scene.origin.fail(false);
    scene.pass(1);
    assert_eq!(scene.ask().await.unwrap(), (4, Outcome::Loaded));
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_for_a_newer_value_as_long_as_the_soft_timeout() {
    for owned in [false, true] {
        let scene = Scene::new();
        scene.ask().await.unwrap();
        scene.pass(61);
        let soft = CallOptions::table().soft_timeout(Duration::from_millis(200));
        let ask = async || match owned {
            true => scene.ask_with(soft).await.unwrap(),
            false => {
                let load = || scene.origin.load();
                let answer = scene.cache.fetch(&scene.key, &soft, load).await.unwrap();
                (*answer.value, answer.outcome)
            }
        };

        assert_eq!(ask().await, (2, Outcome::Loaded), "in time, owned: {owned}");
        scene.pass(61);
        scene.origin.stop();
        assert_eq!(ask().await, (2, Outcome::Stale), "too late, owned: {owned}");
        assert_eq!(scene.cache.stats().soft_timeouts, 1);
        scene.origin.resume();

        // What was begun by an owned loader is kept, what was borrowed is not.
        let loaded = if owned { 3 } else { 2 };
        if owned {
            until("the load's end", async || scene.cache.stats().in_background == 0).await;
            assert_eq!(ask().await, (loaded, Outcome::NearHit));
        } else {
            assert_eq!(ask().await, (2, Outcome::Stale), "the next does not wait in its turn");
            scene.pass(1);
            assert_eq!(ask().await, (4, Outcome::Loaded));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn others_wait_for_the_same_refresh_as_long_as_the_soft_timeout() {
    let scene = Scene::new();
    scene.ask().await.unwrap();
    scene.pass(61);
    scene.origin.stop();
    let soft = CallOptions::table().soft_timeout(Duration::from_secs(1));

    let resume = async {
        sleep(Duration::from_millis(500)).await;
        scene.origin.resume();
    };
    let (one, two, ()) = tokio::join!(scene.ask_with(soft), scene.ask_with(soft), resume);

    assert_eq!(one.unwrap(), (2, Outcome::Loaded));
    assert_eq!(two.unwrap().0, 2);
    assert_eq!(scene.origin.loads(), 2);
}

/// A known bug of hybrid caches, `FusionCache` #628: a refresh that began before an invalidation must not win.

#[tokio::test]
async fn an_invalidation_wins_over_a_refresh_under_way() {
    for remote in [None, Some(memory())] {
        let levels = |builder: CacheBuilder| match remote {
            Some(remote) => builder.near(memory()).remote(remote),
            None => builder.near(memory()),
        };
        let scene = Scene::with(levels, |_| {});
        scene.ask().await.unwrap();
        scene.pass(61);
        scene.origin.stop();
        assert_eq!(scene.ask_owned().await.unwrap(), (1, Outcome::Stale));
        until("the refresh", async || scene.origin.loads() == 2).await;

        scene.cache.invalidate(&scene.key).await.unwrap();
        scene.origin.resume();
        until("the refresh's end", async || scene.cache.stats().in_background == 0).await;

        assert_eq!(scene.ask_owned().await.unwrap(), (3, Outcome::Loaded));
        assert_eq!(scene.ask_owned().await.unwrap(), (3, Outcome::NearHit));
    }
}

#[tokio::test]
async fn a_stale_value_that_was_invalidated_is_not_served() {
    let scene = Scene::new();
    scene.ask().await.unwrap();
    scene.pass(61);

    scene.cache.invalidate_user(1).await.unwrap();
    scene.origin.fail(true);

    assert!(scene.ask().await.is_err());
}

#[tokio::test]
async fn one_instance_refreshes_and_the_others_serve_what_is_stale() {
    let remote = memory();
    let scenes: Vec<Scene> = (0..3)
        .map(|_| {
            let remote: MemoryBackend = remote.clone();
            Scene::with(|builder| builder.near(memory()).remote(remote), |_| {})
        })
        .collect();
    for scene in &scenes {
        scene.ask_owned().await.unwrap();
        scene.origin.stop();
    }
    scenes.iter().for_each(|scene| scene.pass(61));
    let loads = || scenes.iter().map(|scene| scene.origin.loads()).sum::<u32>();
    assert_eq!(loads(), 1);

    for scene in &scenes {
        for _ in 0..3 {
            assert_eq!(scene.ask_owned().await.unwrap(), (1, Outcome::Stale));
        }
        until("a refresh, or none", async || {
            scene.cache.stats().in_background == 0 || loads() == 2
        })
        .await;
    }

    assert_eq!(loads(), 2);
    scenes.iter().for_each(|scene| scene.origin.resume());
    for scene in &scenes {
        // Those that do not hear of it look again in a quarter of a second.
        scene.pass(1);
        until("the new value", async || scene.ask_owned().await.unwrap().0 == 1 + 1 || loads() > 2)
            .await;
    }
}

#[tokio::test]
async fn a_refresh_that_failed_here_is_not_tried_at_once_elsewhere() {
    let remote = memory();
    let [one, two] = [(); 2].map(|()| {
        let remote: MemoryBackend = remote.clone();
        Scene::with(|builder| builder.near(memory()).remote(remote), |_| {})
    });
    for scene in [&one, &two] {
        scene.ask().await.unwrap();
        scene.origin.fail(true);
        scene.pass(61);
    }

    assert_eq!(one.ask().await.unwrap().1, Outcome::Stale);
    assert_eq!(two.ask().await.unwrap().1, Outcome::Stale);

    assert_eq!((one.origin.loads(), two.origin.loads()), (2, 0));
    let three = Scene::with(|builder| builder.remote(remote), |_| {});
    three.pass(61);
    assert_eq!(three.ask().await.unwrap(), (1, Outcome::Stale), "what is stale is there still");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_served_a_call_waits_for_its_loaders_turn() {
    for (longest, waited) in [(0, 0), (300, 300), (5000, 1000)] {
        let levels = |builder: CacheBuilder| builder.near(memory());
        let longest = Duration::from_millis(longest);
        let scene = Scene::with(levels, |settings| settings.backoff_wait = longest);
        scene.origin.fail(true);
        assert!(scene.ask().await.is_err());

        let begun = Instant::now();
        assert!(scene.ask().await.is_err());

        let took = begun.elapsed().as_millis();
        assert!((waited..waited + 10).contains(&took), "{took} ms, {longest:?}");
    }
}
