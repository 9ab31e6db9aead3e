//! P2 for `set`: the last writer wins, here and everywhere.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty};

use crate::common::{SlowLoad, builder, memory};

#[tokio::test]
async fn a_set_wins_against_a_load_under_way() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let key = cache.key("profile").user(1);
    let load = SlowLoad::start(&cache, &key, 1).await;

    cache.set(&key, Arc::new(2_u32)).await.unwrap();
    load.finish().await;

    assert_eq!(*cache.get::<u32>(&key).await.unwrap().unwrap(), 2);
}

/// What the remote level refused from this very writer must not stay near either.
#[tokio::test(start_paused = true)]
async fn a_set_that_another_instance_overtook_is_not_kept() {
    let shared = memory();
    let link = Faulty::new(shared.clone());
    let one = builder().near(memory()).remote(link.clone()).build().unwrap();
    let two = builder().near(memory()).remote(shared).build().unwrap();
    let key = one.key("profile").user(1);

    // The writer reads generations until 100, takes the lease until 200, and fills until 300.
    link.set_fault(Fault::Delay(Duration::from_millis(100)));
    let overtaking = async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        two.set(&key, Arc::new(2_u32)).await.unwrap();
    };
    let (written, ()) = tokio::join!(one.set(&key, Arc::new(1_u32)), overtaking);
    written.unwrap();
    link.set_fault(None);

    assert_eq!(one.stats().fenced_fills, 1);
    assert_eq!(*one.get::<u32>(&key).await.unwrap().unwrap(), 2);
}

/// Two writers of one instance: the later one wins near as well.
#[tokio::test]
async fn a_set_that_an_invalidation_here_overtook_is_not_kept() {
    let link = Faulty::new(memory());
    let cache = builder().near(memory()).remote(link.clone()).build().unwrap();
    let key = cache.key("profile").user(1);
    cache.set(&key, Arc::new(0_u32)).await.unwrap();

    link.set_fault(Fault::Delay(Duration::from_millis(20)));
    let writer = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(async move { cache.set(&key, Arc::new(1_u32)).await })
    };
    tokio::task::yield_now().await;
    link.set_fault(None);
    cache.invalidate(&key).await.unwrap();
    writer.await.unwrap().unwrap();

    let near = cache.stats().total().near_hits;
    assert_eq!(*cache.get::<u32>(&key).await.unwrap().unwrap(), 1);
    assert_eq!(cache.stats().total().near_hits, near, "it was not alone: asked for again");
}
