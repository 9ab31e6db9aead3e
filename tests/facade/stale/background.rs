//! Loads that go on without their callers.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::{CallOptions, ErrorKind, Key, Loaded, Outcome};
use tokio::time::{sleep, timeout};

use super::scene::{Failure, Scene};
use crate::common::{memory, until};

#[tokio::test(start_paused = true)]
async fn a_load_that_outlasts_the_hard_timeout_is_an_error_and_goes_on() {
    let scene = Scene::new();
    scene.origin.stop();
    let hard = CallOptions::table().hard_timeout(Duration::from_secs(2));

    let late = scene.ask_with(hard).await.unwrap_err();

    assert!(matches!(late, Failure(Some(ErrorKind::Timeout))));
    let stats = scene.cache.stats();
    assert_eq!((stats.hard_timeouts, stats.total().failed, stats.total().calls()), (1, 1, 1));
    scene.origin.resume();
    until("its end", async || scene.cache.stats().in_background == 0).await;
    assert_eq!(scene.ask_with(hard).await.unwrap(), (1, Outcome::NearHit));
}

#[tokio::test(start_paused = true)]
async fn a_load_without_callers_ends_after_its_time() {
    let scene = Scene::new();
    scene.origin.stop();

    timeout(Duration::from_secs(1), scene.ask_owned()).await.unwrap_err();
    assert_eq!(scene.cache.stats().in_background, 1);
    sleep(Duration::from_secs(31)).await;

    assert_eq!(scene.cache.stats().in_background, 0);
    scene.origin.resume();
    assert_eq!(scene.ask().await.unwrap(), (2, Outcome::Loaded), "and nobody waits for it");
}

#[tokio::test]
async fn a_panic_in_a_refresh_costs_one_refresh() {
    let scene = Scene::new();
    scene.ask().await.unwrap();
    scene.pass(61);

    let load = || async { panic!("the loader's own bug") };
    let stale: Arc<u32> =
        scene.cache.get_or_refresh::<u32, Failure, _, _>(&scene.key, load).await.unwrap();

    assert_eq!(*stale, 1);
    until("its end", async || scene.cache.stats().in_background == 0).await;
    scene.ask_owned().await.unwrap();
    until("the new value", async || scene.ask_owned().await.unwrap() == (2, Outcome::NearHit))
        .await;
}

#[tokio::test]
async fn a_panic_in_a_load_is_that_callers_own() {
    let scene = Scene::new();
    let (cache, key) = (scene.cache.clone(), scene.key.clone());

    let load = || async { panic!("the loader's own bug") };
    let call = async move { cache.get_or_refresh::<u32, Failure, _, _>(&key, load).await.unwrap() };

    assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    assert_eq!(scene.ask_owned().await.unwrap(), (1, Outcome::Loaded));
}

#[tokio::test]
async fn what_is_dear_is_refreshed_before_it_is_stale() {
    let scene = Scene::new();
    let (clock, origin) = (scene.clock.clone(), scene.origin.clone());
    let ask = async || {
        let (clock, origin) = (clock.clone(), origin.clone());
        let load = move || async move {
            clock.advance(Duration::from_secs(2));
            origin.load().await.map(Loaded::new)
        };
        let answer = scene.cache.fetch_owned(&scene.key, &CallOptions::table(), load).await;
        answer.unwrap().outcome
    };
    ask().await;

    // Less than one call in a hundred thousand refreshes half a minute before the end.
    scene.pass(30);
    for _ in 0..100 {
        assert_eq!(ask().await, Outcome::NearHit);
    }
    assert_eq!(scene.cache.stats().total().refreshes, 0);
    scene.pass(29);
    for _ in 0..100 {
        assert_eq!(ask().await, Outcome::NearHit);
    }

    until("a refresh", async || scene.cache.stats().total().refreshes > 0).await;
    until("its end", async || scene.cache.stats().in_background == 0).await;
    scene.pass(30);
    assert_eq!(ask().await, Outcome::NearHit);
}

#[tokio::test]
async fn dropping_the_last_handle_ends_what_goes_on() {
    let scene = Scene::new();
    scene.origin.stop();
    let origin = scene.origin.clone();
    timeout(Duration::from_millis(50), scene.ask_owned()).await.unwrap_err();
    until("the load", async || origin.loads() == 1).await;
    let held = Arc::strong_count(&origin.count);

    drop(scene);

    until("the loader's end", async || Arc::strong_count(&origin.count) < held - 1).await;
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_what_goes_on_and_says_what_it_ended() {
    let scene = Scene::with(
        |builder| builder.near(memory()),
        |settings| {
            settings.close_timeout = Duration::from_secs(1);
        },
    );
    scene.origin.stop();
    timeout(Duration::from_secs(1), scene.ask_owned()).await.unwrap_err();

    let closed = scene.cache.close().await;

    assert_eq!(closed.loads_left, 1);
    until("its end", async || scene.cache.stats().in_background == 0).await;
    scene.origin.resume();
    assert_eq!(scene.ask_owned().await.unwrap().1, Outcome::Loaded, "calls are answered");
}

#[tokio::test]
async fn beyond_the_limit_stale_values_wait_to_be_refreshed() {
    let scene = Scene::with(|builder| builder.near(memory()), |it| it.background_limit = 1);
    let other = scene.cache.key("profile").user(2);
    let load = async |key: &Key| {
        let origin = scene.origin.clone();
        let load = move || async move { origin.load().await };
        *scene.cache.get_or_refresh::<u32, Failure, _, _>(key, load).await.unwrap()
    };
    load(&scene.key).await;
    load(&other).await;
    scene.pass(61);
    scene.origin.stop();

    assert_eq!((load(&scene.key).await, load(&other).await), (1, 2));

    let stats = scene.cache.stats();
    assert_eq!((stats.in_background, stats.background_refused), (1, 1));
    scene.origin.resume();
}

#[tokio::test]
async fn after_close_a_stale_value_is_refreshed_by_one_of_its_callers() {
    let scene = Scene::new();
    scene.ask_owned().await.unwrap();
    scene.cache.close().await;

    scene.pass(61);

    assert_eq!(scene.ask_owned().await.unwrap(), (2, Outcome::Loaded));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_was_given_up_leaves_refreshes_as_they_were() {
    let scene = Scene::new();
    scene.origin.stop();
    timeout(Duration::from_secs(1), scene.ask_owned()).await.unwrap_err();
    timeout(Duration::from_secs(1), scene.cache.close()).await.unwrap_err();
    scene.origin.resume();
    until("the load's end", async || scene.cache.stats().in_background == 0).await;

    scene.pass(61);

    assert_eq!(scene.ask_owned().await.unwrap(), (1, Outcome::Stale));
    until("the new value", async || scene.ask_owned().await.unwrap() == (2, Outcome::NearHit))
        .await;
}
