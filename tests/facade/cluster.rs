//! What holds while a cluster loses primaries and moves slots. On real clusters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cache_aside::{
    Cache, CallOptions, Hearing, Key, Outcome, RedisBackend, RedisConfig, Settings, TtlTable,
};
use cache_test_servers::{Cluster, Flavour, Server, cluster_or_return};
use futures_util::future::join_all;

use crate::common::{Source, memory, until};

macro_rules! on_every_cluster {
    ($($name:ident)*) => {
        on_every_cluster!(redis_7, Redis: $($name)*);
        on_every_cluster!(valkey_8, Valkey: $($name)*);
    };
    ($module:ident, $flavour:ident: $($name:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let cluster = super::cluster_or_return!(super::Flavour::$flavour);
                super::$name(Arc::new(cluster)).await;
            })*
            use std::sync::Arc;
        }
    };
}

on_every_cluster! {
    a_hung_primary_costs_time_outs_and_no_more
    a_killed_primary_is_not_noticed_by_callers
    an_edit_ends_the_near_copies_of_other_instances_on_every_node
    replicas_shorten_no_lease_and_keep_no_copy_for_long
}

const KEYS: u64 = 24;

fn instance(cluster: &Cluster, settings: &str) -> Cache {
    instance_of(RedisConfig::cluster(cluster.seeds()).unwrap(), settings)
}

fn instance_of(config: RedisConfig, settings: &str) -> Cache {
    Cache::builder("test")
        .ttl_table(TtlTable::from_toml("default = '1h'").unwrap())
        .settings(Settings::from_toml(settings).unwrap())
        .near(memory())
        .remote(RedisBackend::with_config(config).unwrap())
        .build()
        .unwrap()
}

fn keys(cache: &Cache) -> Vec<Key> {
    (0..KEYS).map(|user| cache.key("profile").user(user)).collect()
}

fn primary_of<'a>(cluster: &'a Cluster, key: &Key) -> &'a Server {
    cluster.primary_of_slot(Cluster::slot_of(key.as_bytes()))
}

async fn listening(cache: &Cache) -> bool {
    cache.health().await.remote.unwrap().hearing == Hearing::Everything
}

/// Asks until the answer is a near hit that relies on news.
async fn warm(cache: &Cache, key: &Key, source: &Source) -> u32 {
    let options = CallOptions::table();
    let mut value = 0;
    until("a near hit", async || {
        let answer = cache.fetch(key, &options, || source.load()).await.unwrap();
        value = *answer.value;
        answer.outcome == Outcome::NearHit && listening(cache).await
    })
    .await;
    value
}

/// Asks until the answer is newer than `old`; nothing but news ends what is near.
async fn newer(cache: &Cache, key: &Key, source: &Source, old: u32) -> u32 {
    let mut value = old;
    until("a newer value", async || {
        value = *cache.get_or_load(key, || source.load()).await.unwrap();
        value > old
    })
    .await;
    value
}

const PATIENT: &str = "remote_timeout = '1s'\ndegraded_ttl = '1h'";

async fn an_edit_ends_the_near_copies_of_other_instances_on_every_node(cluster: Arc<Cluster>) {
    let (one, two) = (instance(&cluster, PATIENT), instance(&cluster, PATIENT));
    let source = Source::default();
    for key in keys(&one) {
        let first = warm(&one, &key, &source).await;
        assert_eq!(warm(&two, &key, &source).await, first);

        one.invalidate(&key).await.unwrap();
        newer(&two, &key, &source, first).await;
    }
    for user in 0..KEYS {
        let key = one.key("profile").user(user);
        let old = warm(&two, &key, &source).await;
        one.invalidate_user(user).await.unwrap();
        newer(&two, &key, &source, old).await;
    }
    assert!(cluster.nodes()[..3].iter().all(|node| node.cli(&["DBSIZE"]) != "0"));
}

/// Callers that ask for as long as they may, and what they noticed.
struct Callers {
    end: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<(u64, Duration)>>,
}

impl Callers {
    fn start(caches: &[&Cache], source: &Source) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let tasks = caches.iter().cycle().take(4).map(|cache| {
            let (cache, source, end) = (Cache::clone(cache), source.clone(), Arc::clone(&end));
            tokio::spawn(async move {
                let (mut calls, mut longest) = (0, Duration::ZERO);
                while !end.load(Ordering::Relaxed) {
                    for key in keys(&cache) {
                        let started = Instant::now();
                        cache.get_or_load(&key, || source.load()).await.unwrap();
                        (calls, longest) = (calls + 1, longest.max(started.elapsed()));
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                (calls, longest)
            })
        });
        let tasks = tasks.collect();
        Self { end, tasks }
    }

    /// Returns how many calls there were, and how long the longest took.
    async fn finish(self) -> (u64, Duration) {
        self.end.store(true, Ordering::Relaxed);
        let ended = join_all(self.tasks).await.into_iter().map(Result::unwrap);
        ended.fold((0, Duration::ZERO), |all, one| (all.0 + one.0, all.1.max(one.1)))
    }
}

const HASTY: &str = "remote_timeout = '200ms'\ndegraded_ttl = '300ms'\nmax_silence = '1s'";

async fn a_killed_primary_is_not_noticed_by_callers(cluster: Arc<Cluster>) {
    let (one, two) = (instance(&cluster, HASTY), instance(&cluster, HASTY));
    let (source, key) = (Source::default(), one.key("profile").user(7));
    let old = warm(&one, &key, &source).await;
    assert_eq!(warm(&two, &key, &source).await, old);
    let callers = Callers::start(&[&one, &two], &source);
    tokio::task::block_in_place(|| cluster.wait_until_copied());

    let killed = Instant::now();
    primary_of(&cluster, &key).kill();
    until("the outage is noticed", async || !listening(&two).await).await;
    let noticed = killed.elapsed();
    newer(&two, &key, &source, old).await;
    let ended = killed.elapsed();
    let mut failed = 0;
    until("a write", async || {
        let told = one.invalidate(&key).await;
        failed += usize::from(told.is_err());
        told.is_ok()
    })
    .await;
    let written = killed.elapsed();
    let (calls, longest) = callers.finish().await;
    println!(
        "noticed after {noticed:?}, near copies ended after {ended:?}, next write after {written:?}"
    );
    println!("{failed} invalidations failed; longest of {calls} calls {longest:?}");
    assert!(noticed < Duration::from_millis(500), "{noticed:?}");
    assert!(longest < Duration::from_secs(1), "{longest:?}");

    let old = warm(&two, &key, &source).await;
    one.invalidate(&key).await.unwrap();
    newer(&two, &key, &source, old).await;
}

async fn a_hung_primary_costs_time_outs_and_no_more(cluster: Arc<Cluster>) {
    let (one, two) = (instance(&cluster, HASTY), instance(&cluster, HASTY));
    let (source, key) = (Source::default(), one.key("profile").user(7));
    warm(&one, &key, &source).await;
    let callers = Callers::start(&[&one, &two], &source);
    let hung = primary_of(&cluster, &key);

    let stopped = Instant::now();
    hung.stop();
    until("the outage is noticed", async || !listening(&one).await).await;
    let noticed = stopped.elapsed();
    until("a write", async || one.invalidate(&key).await.is_ok()).await;
    println!("noticed after {noticed:?}, next write after {:?}", stopped.elapsed());
    let (calls, longest) = callers.finish().await;
    hung.resume();

    println!("longest of {calls} calls {longest:?}");
    assert!(noticed < Duration::from_millis(1500), "{noticed:?}");
    assert!(longest < Duration::from_millis(1500), "{longest:?}");
}

/// What a replica says may be old: it is near for a short time only.
async fn replicas_shorten_no_lease_and_keep_no_copy_for_long(cluster: Arc<Cluster>) {
    let settings = "remote_timeout = '1s'\ndegraded_ttl = '200ms'";
    let config = RedisConfig::cluster(cluster.seeds()).unwrap().read_from_replicas(true);
    let (one, two) = (instance_of(config.clone(), settings), instance_of(config, settings));
    let source = Source::default();

    for key in keys(&one) {
        let first = *one.get_or_load(&key, || source.load()).await.unwrap();
        assert_eq!(*two.get_or_load(&key, || source.load()).await.unwrap(), first);
        one.invalidate(&key).await.unwrap();
        newer(&one, &key, &source, first).await;
        newer(&two, &key, &source, first).await;
    }
    assert_eq!(source.loads(), 2 * KEYS as u32, "one load for all, each time");
}
