//! Many keys in one call: order, one round trip, one load, and failures of single keys.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_aside::testing::{Operation, Recorder};
use cache_aside::{Cache, Key, RedisBackend};
use cache_test_servers::{Flavour, Server, server_or_return};
use futures_util::future::{join_all, poll_immediate};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::common::{SlowLoad, Source, builder, memory, near_only, on_every_server, until};

/// A table whose rows are their own places, and a list of what was asked for.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Mutex<Vec<Vec<usize>>>>);

impl Table {
    async fn load(&self, missing: Vec<usize>) -> Result<Vec<Option<u64>>, Infallible> {
        self.0.lock().unwrap().push(missing.clone());
        sleep(Duration::from_millis(5)).await;
        Ok(missing.into_iter().map(|place| Some(place as u64)).collect())
    }

    pub(crate) fn asked(&self) -> Vec<Vec<usize>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(crate) fn keys(cache: &Cache, count: usize) -> Vec<Key> {
    (0..count).map(|id| cache.key("row").arg(id)).collect()
}

fn pair() -> [Cache; 2] {
    let shared = memory();
    [0, 1].map(|_| builder().near(memory()).remote(shared.clone()).build().unwrap())
}

pub(crate) async fn ask(cache: &Cache, keys: &[Key], table: &Table) -> Vec<Option<u64>> {
    let values = cache.get_or_load_many(keys, |missing| table.load(missing)).await.unwrap();
    values.into_iter().map(|value| value.map(|value| *value)).collect()
}

pub(crate) fn all(places: std::ops::Range<usize>) -> Vec<Option<u64>> {
    places.map(|place| Some(place as u64)).collect()
}

#[tokio::test]
async fn only_what_is_missing_is_loaded_once_and_in_order() {
    let [one, two] = pair();
    let (keys, table) = (keys(&one, 10), Table::default());
    assert_eq!(ask(&one, &keys[3..6], &table).await, all(0..3));
    assert_eq!(table.asked(), [[0, 1, 2]]);
    two.set(&keys[9], Arc::new(9_u64)).await.unwrap();
    for (place, key) in keys.iter().enumerate().take(6).skip(3) {
        one.set(key, Arc::new(place as u64)).await.unwrap();
    }

    assert_eq!(ask(&two, &keys, &table).await, all(0..10));
    assert_eq!(table.asked(), [[0, 1, 2, 6, 7, 8]]);

    let twice: Vec<Key> = keys.iter().rev().chain(&keys).cloned().collect();
    let expected: Vec<_> = all(0..10).into_iter().rev().chain(all(0..10)).collect();
    assert_eq!(ask(&one, &twice, &table).await, expected);
    assert_eq!(one.get_many::<u64>(&twice).await.unwrap().len(), 20);
    assert!(table.asked().is_empty());
    assert_eq!(ask(&one, &[], &table).await, []);
}

#[tokio::test]
async fn the_remote_level_is_asked_once_for_all() {
    let recorder = Recorder::new(memory());
    let cache = builder().near(memory()).remote(recorder.clone()).build().unwrap();
    let (keys, table) = (keys(&cache, 1000), Table::default());

    assert_eq!(ask(&cache, &keys, &table).await, all(0..1000));

    assert_eq!(table.asked().len(), 1, "one call of the loader");
    let count = |log: &[Operation], what| log.iter().filter(|it| **it == what).count();
    let log = recorder.take();
    assert_eq!(count(&log, Operation::Get), 1);
    assert_eq!(count(&log, Operation::Set), 1000);
    let other = builder().near(memory()).remote(recorder.clone()).build().unwrap();
    let found = other.get_many::<u64>(&keys).await.unwrap();
    assert!(found.iter().enumerate().all(|(place, it)| it.as_deref() == Some(&(place as u64))));
    assert_eq!(count(&recorder.take(), Operation::Get), 1);
    cache.invalidate_many(&keys).await.unwrap();
    assert_eq!(recorder.take(), [Operation::Invalidate]);
    assert!(other.get_many::<u64>(&keys[..1]).await.unwrap()[0].is_some(), "near, and unheard");
    assert!(cache.get_many::<u64>(&keys).await.unwrap().iter().all(Option::is_none));
}

/// Many callers, some of many keys and some of one, on two instances.
#[tokio::test(flavor = "multi_thread")]
async fn overlapping_batches_and_calls_cause_one_load_of_each_key() {
    for instances in [pair(), [0, 1].map(|_| near_only())] {
        let distinct = if instances[0].health().await.remote.is_some() { 1 } else { 2 };
        let (keys, table) = (keys(&instances[0], 60), Table::default());
        let calls = (0..60).map(|index| {
            let cache = &instances[index % 2];
            let (table, keys) = (table.clone(), keys.clone());
            async move {
                let from = index % 7 * 5;
                if index % 5 == 0 {
                    let load = || async { Ok(table.load(vec![from]).await?[0].unwrap()) };
                    let value = cache.get_or_load::<u64, Infallible, _, _>(&keys[from], load);
                    assert_eq!(*value.await.unwrap(), from as u64);
                    return;
                }
                let load = |missing: Vec<usize>| {
                    table.load(missing.into_iter().map(|place| place + from).collect())
                };
                let values = cache.get_or_load_many(&keys[from..from + 30], load).await.unwrap();
                let values: Vec<_> = values.into_iter().map(|value| *value.unwrap()).collect();
                assert_eq!(values, (from as u64..from as u64 + 30).collect::<Vec<_>>());
            }
        });

        join_all(calls).await;

        let mut loaded: Vec<usize> = table.asked().into_iter().flatten().collect();
        loaded.sort_unstable();
        assert_eq!(loaded.len(), 60 * distinct, "each key once: {loaded:?}");
    }
}

#[tokio::test]
async fn what_the_loader_does_not_know_is_none_and_blocks_nobody() {
    let [one, two] = pair();
    let keys = keys(&one, 4);
    let load = |missing: Vec<usize>| async move {
        assert_eq!(missing, [0, 1, 2, 3]);
        Ok::<_, Infallible>(vec![Some(1_u64), None])
    };

    let values = one.get_or_load_many(&keys, load).await.unwrap();

    assert_eq!(values.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false, false]);
    let table = Table::default();
    assert_eq!(ask(&two, &keys, &table).await, [Some(1), Some(1), Some(2), Some(3)]);
    assert_eq!(table.asked(), [[1, 2, 3]]);
}

#[tokio::test]
async fn a_failing_loader_fails_its_caller_and_gives_its_leases_back() {
    let [one, two] = pair();
    let keys = keys(&one, 3);
    let fail = |_| async { Err::<Vec<Option<u64>>, _>("the database is away") };

    let failed = one.get_or_load_many(&keys, fail).await;

    assert_eq!(failed.unwrap_err(), "the database is away");
    assert_eq!(ask(&two, &keys, &Table::default()).await, all(0..3));
}

#[tokio::test]
async fn a_cancelled_batch_hands_over() {
    let [one, _] = pair();
    let (keys, loads) = (keys(&one, 3), Arc::new(AtomicUsize::new(0)));
    let stuck = tokio::spawn({
        let (cache, keys, loads) = (one.clone(), keys.clone(), Arc::clone(&loads));
        async move {
            let load = |_| async {
                loads.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<Result<Vec<Option<u64>>, Infallible>>().await
            };
            cache.get_or_load_many(&keys, load).await
        }
    });
    until("the load is under way", async || loads.load(Ordering::SeqCst) == 1).await;
    let waiting = tokio::spawn({
        let (cache, keys) = (one.clone(), keys.clone());
        async move { ask(&cache, &keys, &Table::default()).await }
    });
    until("the other waits", async || one.stats().in_flight == 3).await;

    stuck.abort();

    assert_eq!(waiting.await.unwrap(), all(0..3));
    assert_eq!(one.stats().in_flight, 0);
}

#[tokio::test]
async fn a_key_that_is_too_long_is_loaded_along() {
    let [one, _] = pair();
    let mut keys = keys(&one, 3);
    keys[1] = one.key("row").arg("x".repeat(2000));
    let table = Table::default();

    assert_eq!(ask(&one, &keys, &table).await, all(0..3));
    assert_eq!(ask(&one, &keys, &table).await, all(0..3));

    assert_eq!(table.asked(), [vec![0, 1, 2], vec![1]]);
    one.invalidate_many(&keys).await.unwrap();
}

/// Another instance still loads one of the batch's other keys.
#[tokio::test]
async fn who_waits_for_a_key_of_a_batch_gets_it_when_it_is_loaded() {
    let [one, two] = pair();
    let keys = [0_u32, 1].map(|id| one.key("row").arg(id));
    let slow = SlowLoad::start(&two, &keys[1], 7).await;
    let (end, ended) = oneshot::channel::<()>();
    let batch = tokio::spawn({
        let (cache, keys, ended) = (one.clone(), keys.clone(), Mutex::new(Some(ended)));
        async move {
            let load = |missing: Vec<usize>| {
                let ended = ended.lock().unwrap().take();
                async move {
                    assert_eq!(missing, [0]);
                    ended.unwrap().await.unwrap();
                    Ok::<_, Infallible>(vec![Some(1_u32)])
                }
            };
            cache.get_or_load_many(&keys, load).await.unwrap()
        }
    });
    until("the batch loads", async || one.stats().total().loads == 1).await;
    let mut waiting = pin!(one.get_or_load(&keys[0], || async { Ok::<_, Infallible>(2_u32) }));
    assert!(poll_immediate(&mut waiting).await.is_none());

    end.send(()).unwrap();

    assert_eq!(*waiting.await.unwrap(), 1);
    assert_eq!(one.stats().waits_given_up, 0);
    assert!(!batch.is_finished(), "the other key is still awaited");
    assert_eq!(slow.finish().await, 7);
    let values: Vec<u32> = batch.await.unwrap().into_iter().map(|value| *value.unwrap()).collect();
    assert_eq!(values, [1, 7]);
}

/// All that is kept of such keys is how they begin.
#[tokio::test]
async fn keys_that_are_too_long_and_begin_alike_never_share_an_answer() {
    let [one, _] = pair();
    let tails = ["a", "b", "a"];
    let keys: Vec<Key> =
        tails.iter().map(|tail| one.key("row").arg("x".repeat(2000) + tail)).collect();

    assert_eq!(ask(&one, &keys, &Table::default()).await, all(0..3));
}

on_every_server! {
    batches_of_two_instances_load_each_key_once
}

async fn batches_of_two_instances_load_each_key_once(server: Server) {
    let instance = || {
        let backend = RedisBackend::new(&server.url()).unwrap();
        builder().near(memory()).remote(backend).build().unwrap()
    };
    let instances = [instance(), instance()];
    let (keys, table) = (keys(&instances[0], 200), Table::default());
    for cache in &instances {
        let source = Source::default();
        cache.get_or_load(&cache.key("first"), || source.load()).await.unwrap();
    }

    let calls = (0..20).map(|index| ask(&instances[index % 2], &keys, &table));
    let answers = join_all(calls).await;

    assert!(answers.into_iter().all(|answer| answer == all(0..200)));
    assert_eq!(table.asked().concat().len(), 200);
    until("all of them are near", async || {
        let near = instances[0].stats().total().near_hits;
        assert_eq!(ask(&instances[0], &keys, &table).await, all(0..200));
        instances[0].stats().total().near_hits == near + 200
    })
    .await;
    let asked = table.asked();
    assert!(asked.is_empty(), "{asked:?}");
}
