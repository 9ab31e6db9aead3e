//! P4 and P7: while the remote level is down, the source is not asked for everything at once.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty};
use cache_aside::{Cache, Settings};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::common::{builder, memory, settings};

/// A source that notes how many ask it at once.
#[derive(Clone, Debug, Default)]
struct Crowd(Arc<(AtomicUsize, AtomicUsize)>);

impl Crowd {
    const LOAD: Duration = Duration::from_millis(20);

    async fn load(&self) -> Result<u32, Infallible> {
        let (now, most) = &*self.0;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        sleep(Self::LOAD).await;
        now.fetch_sub(1, Ordering::SeqCst);
        Ok(1)
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

async fn down(change: impl FnOnce(&mut Settings)) -> Cache {
    let remote = Faulty::new(memory());
    remote.set_fault(Fault::Fail);
    let mut settings = settings();
    settings.failures_to_open = 1;
    change(&mut settings);
    let cache = builder().settings(settings).remote(remote).build().unwrap();
    cache.get::<u32>(&cache.key("first")).await.unwrap();
    assert!(!cache.health().await.is_complete());
    cache
}

/// Calls for as many keys at once; returns how long the last took.
async fn storm(cache: &Cache, crowd: &Crowd, calls: usize) -> Duration {
    let started = Instant::now();
    let call = |number| async move {
        let key = cache.key("profile").arg(number);
        cache.get_or_load(&key, || crowd.load()).await
    };
    join_all((0..calls).map(call)).await.into_iter().for_each(|answer| drop(answer.unwrap()));
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn while_it_is_down_loads_wait_for_their_turn() {
    let cache = down(|settings| settings.load_limit = 4).await;
    let crowd = Crowd::default();

    let took = storm(&cache, &crowd, 40).await;

    assert_eq!((crowd.most(), took), (4, Crowd::LOAD * 10));
    assert_eq!((cache.stats().loads_queued, cache.stats().loads_over_limit), (36, 0));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_queue_nobody_waits() {
    let cache = down(|settings| (settings.load_limit, settings.load_queue) = (4, 6)).await;
    let crowd = Crowd::default();

    storm(&cache, &crowd, 40).await;

    assert_eq!(crowd.most(), 34, "four have a turn, six wait");
    assert_eq!((cache.stats().loads_queued, cache.stats().loads_over_limit), (6, 30));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_the_settings_say() {
    let wait = Duration::from_millis(50);
    let cache = down(|settings| (settings.load_limit, settings.load_wait) = (1, wait)).await;
    let crowd = Crowd::default();

    let took = storm(&cache, &crowd, 10).await;

    assert_eq!(took, wait + Crowd::LOAD);
    assert_eq!(cache.stats().loads_over_limit, 7);
}

/// A loader that asks the cache itself waits for a turn while it has one.
#[tokio::test(start_paused = true)]
async fn loaders_that_ask_the_cache_do_not_block_each_other() {
    let cache = down(|settings| settings.load_limit = 1).await;
    let (outer, inner) = (cache.key("outer"), cache.key("inner"));
    let crowd = Crowd::default();

    let load = || async { cache.get_or_load(&inner, || crowd.load()).await.map(|value| *value) };
    let value = cache.get_or_load(&outer, load).await.unwrap();

    assert_eq!(*value, 1);
}

#[tokio::test(start_paused = true)]
async fn while_it_answers_loads_do_not_wait() {
    let mut settings = settings();
    settings.load_limit = 1;
    let cache = builder().settings(settings).remote(memory()).build().unwrap();
    let crowd = Crowd::default();

    assert_eq!(storm(&cache, &crowd, 40).await, Crowd::LOAD);
    assert_eq!(crowd.most(), 40);
}

/// A cancelled call gives its turn, or its place in the queue, to the next one.
#[tokio::test(start_paused = true)]
async fn a_cancelled_call_leaves_its_place() {
    let cache = down(|settings| (settings.load_limit, settings.load_queue) = (1, 1)).await;
    let crowd = Crowd::default();
    for _ in 0..10 {
        let storm = storm(&cache, &crowd, 2);
        assert!(tokio::time::timeout(Duration::from_millis(1), storm).await.is_err());
    }

    storm(&cache, &crowd, 2).await;

    assert_eq!(cache.stats().loads_over_limit, 0);
}
