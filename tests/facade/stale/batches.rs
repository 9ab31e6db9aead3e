//! What is stale of many keys, and where there is no loader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty};
use cache_aside::{CacheBuilder, CallOptions, Key, Loaded, Outcome};

use super::scene::{Failure, Scene};
use crate::common::{memory, until};

/// A loader for many keys, which counts its calls and can fail.
#[derive(Default)]
struct Many {
    calls: AtomicU32,
    fails: AtomicBool,
}

impl Many {
    async fn ask(&self, scene: &Scene, keys: &[Key]) -> Result<Vec<u32>, Failure> {
        let load = |missing: Vec<usize>| async move {
            let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
            let values = missing.iter().map(|at| Some(call * 100 + *at as u32)).collect();
            if self.fails.load(Ordering::SeqCst) { Err(Failure(None)) } else { Ok(values) }
        };
        let values = scene.cache.get_or_load_many(keys, load).await?;
        Ok(values.into_iter().map(|value| *value.unwrap()).collect())
    }
}

/// Scenes without and with a remote level.
fn scenes() -> [Scene; 2] {
    let remote = memory();
    let both = |builder: CacheBuilder| builder.near(memory()).remote(remote);
    [Scene::new(), Scene::with(both, |_| {})]
}

fn keys(scene: &Scene) -> Vec<Key> {
    (0..3).map(|at| scene.cache.key("row").arg(at)).collect()
}

#[tokio::test]
async fn what_is_stale_of_a_batch_is_loaded_again_in_one_go() {
    for scene in scenes() {
        let (keys, many) = (keys(&scene), Many::default());
        assert_eq!(many.ask(&scene, &keys[..2]).await.unwrap(), [100, 101]);
        scene.pass(61);

        assert_eq!(many.ask(&scene, &keys).await.unwrap(), [200, 201, 202]);
        assert_eq!(many.ask(&scene, &keys).await.unwrap(), [200, 201, 202]);

        assert_eq!(many.calls.load(Ordering::SeqCst), 2);
        assert_eq!(scene.cache.stats().total().refreshes, 2);
    }
}

#[tokio::test]
async fn when_its_loader_fails_a_batch_is_answered_with_what_is_stale_if_that_is_all() {
    for scene in scenes() {
        let (keys, many) = (keys(&scene), Many::default());
        many.ask(&scene, &keys[..2]).await.unwrap();
        scene.pass(61);
        many.fails.store(true, Ordering::SeqCst);

        for _ in 0..3 {
            assert_eq!(many.ask(&scene, &keys[..2]).await.unwrap(), [100, 101]);
        }
        assert_eq!(many.calls.load(Ordering::SeqCst), 2, "and left alone for a while");
        assert!(many.ask(&scene, &keys).await.is_err());
        many.fails.store(false, Ordering::SeqCst);
        scene.pass(2);
        assert_eq!(many.ask(&scene, &keys).await.unwrap()[2] % 100, 2);
    }
}

#[tokio::test]
async fn what_another_refreshes_is_served_stale_in_a_batch() {
    let remote = memory();
    let both = |builder: CacheBuilder| builder.near(memory()).remote(remote.clone());
    let (one, two) = (Scene::with(both, |_| {}), Scene::with(both, |_| {}));
    let many = Many::default();
    one.ask().await.unwrap();
    one.pass(61);
    two.pass(61);
    one.origin.stop();

    let asks = async {
        until("the refresh", async || one.origin.loads() == 2).await;
        let values = many.ask(&two, std::slice::from_ref(&two.key)).await.unwrap();
        one.origin.resume();
        values
    };
    let (refreshed, values) = tokio::join!(one.ask(), asks);

    assert_eq!((values, refreshed.unwrap()), (vec![1], (2, Outcome::Loaded)));
    assert_eq!(many.calls.load(Ordering::SeqCst), 0);
}

/// Nobody there could load it again.
#[tokio::test]
async fn without_a_loader_only_what_is_fresh_is_answered() {
    for scene in scenes() {
        scene.cache.set(&scene.key, Arc::new(1_u32)).await.unwrap();
        let keys = std::slice::from_ref(&scene.key);
        assert!(scene.cache.get::<u32>(&scene.key).await.unwrap().is_some());

        scene.pass(61);

        assert_eq!(scene.cache.get::<u32>(&scene.key).await.unwrap(), None);
        assert_eq!(scene.cache.get_many::<u32>(keys).await.unwrap(), [None]);
        scene.origin.fail(true);
        assert_eq!(scene.ask().await.unwrap(), (1, Outcome::Stale), "it is there all the same");
    }
}

/// A row that was deleted must not live on as stale.
#[tokio::test]
async fn what_the_loader_knows_to_be_gone_is_not_served_as_stale() {
    for scene in scenes() {
        for batch in [false, true] {
            let key = &scene.cache.key("row").arg(if batch { "batch" } else { "one" });
            let options = CallOptions::table();
            scene.cache.set(key, Arc::new(Some(1_u32))).await.unwrap();
            scene.pass(61);

            if batch {
                let keys = std::slice::from_ref(key);
                let load = |_| async { Ok::<_, Failure>(vec![None::<Option<u32>>]) };
                assert_eq!(scene.cache.get_or_load_many(keys, load).await.unwrap(), [None]);
            } else {
                let load = || async { Ok::<_, Failure>(None::<u32>) };
                let answer = scene.cache.fetch(key, &options, load).await.unwrap();
                assert_eq!((*answer.value, answer.outcome), (None, Outcome::Loaded));
            }

            until("the entry's end", async || {
                let load = || async { Err::<Option<u32>, _>(Failure(None)) };
                scene.cache.fetch(key, &options, load).await.is_err()
            })
            .await;
        }
    }
}

#[tokio::test]
async fn what_has_grown_too_large_to_keep_is_not_served_as_it_was() {
    for scene in scenes() {
        let (key, options) = (&scene.key, CallOptions::table());
        scene.cache.set(key, Arc::new(vec![1_u8])).await.unwrap();
        scene.pass(61);
        let load = || async { Ok::<_, Failure>(vec![7_u8; 2 << 20]) };
        let answer = scene.cache.fetch(key, &options, load).await.unwrap();
        assert_eq!((answer.value.len(), answer.outcome), (2 << 20, Outcome::Loaded));

        until("the entry's end", async || {
            let load = || async { Err::<Vec<u8>, _>(Failure(None)) };
            scene.cache.fetch(key, &options, load).await.is_err()
        })
        .await;
    }
}

/// The remote level cannot be told at once, and must not serve it when it is back.
#[tokio::test]
async fn what_was_found_to_be_gone_in_an_outage_does_not_come_back_after_it() {
    let remote = Faulty::new(memory());
    let (store, levels) = (remote.clone(), |it: CacheBuilder| it.near(memory()).remote(remote));
    let scene = Scene::with(levels, |it| it.retry_min = Duration::from_millis(1));
    let (key, options) = (&scene.key, CallOptions::table());
    scene.cache.set(key, Arc::new(Some(1_u32))).await.unwrap();
    scene.pass(61);

    store.set_fault(Fault::Fail);
    let load = || async { Ok::<_, Failure>(None::<u32>) };
    assert_eq!(*scene.cache.fetch(key, &options, load).await.unwrap().value, None);
    store.set_fault(None);

    until("the remote level's return", async || scene.cache.health().await.is_complete()).await;
    let load = || async { Err::<Option<u32>, _>(Failure(None)) };
    assert!(scene.cache.fetch(key, &options, load).await.is_err());
}

#[tokio::test]
async fn what_is_not_to_be_kept_leaves_what_is_there_however_large_it_is() {
    let scene = Scene::new();
    let (key, options) = (&scene.key, CallOptions::table());
    scene.cache.set(key, Arc::new(vec![1_u8])).await.unwrap();
    scene.pass(61);
    let large = || Loaded::<Vec<u8>>::new(vec![7_u8; 2 << 20]).uncached();
    let load = || async { Ok::<_, Failure>(large()) };
    let answer = scene.cache.fetch_loaded(key, &options, load).await.unwrap();
    assert_eq!((answer.value.len(), answer.outcome), (2 << 20, Outcome::Loaded));

    let load = || async { Err::<Vec<u8>, _>(Failure(None)) };
    assert_eq!(scene.cache.fetch(key, &options, load).await.unwrap().outcome, Outcome::Stale);
    assert_eq!(scene.cache.stats().values_too_large, 0);
}

#[tokio::test]
async fn every_key_of_a_batch_is_counted_once_whatever_came_of_it() {
    let scene = Scene::new();
    let keys = keys(&scene);
    let load = |_| async { Ok::<_, Failure>(vec![Some(1_u32), None]) };
    scene.cache.get_or_load_many(&keys, load).await.unwrap();
    let load = |_| async { Err::<Vec<Option<u32>>, _>(Failure(None)) };
    scene.cache.get_or_load_many(&keys, load).await.unwrap_err();

    let stats = scene.cache.stats().total();
    assert_eq!((stats.loaded, stats.missed, stats.near_hits, stats.failed), (1, 2, 1, 2));
    assert_eq!(stats.calls(), 6);
}
