//! What holds while a cluster loses primaries and moves slots. On real clusters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cache_aside::{Cache, CallOptions, Key, Outcome, RedisConfig};
use cache_test_servers::{Cluster, Flavour, Server, cluster_or_return};
use futures_util::future::join_all;

use crate::common::{Source, instance_of, listening, newer, until, warm};

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
    a_user_confined_to_the_namespace_is_enough
    a_hung_primary_costs_time_outs_and_no_more
    a_killed_primary_is_not_noticed_by_callers
    an_edit_ends_the_near_copies_of_other_instances_on_every_node
    what_a_replica_said_is_near_for_the_degraded_ttl
    with_replicas_a_miss_is_still_one_load
}

const KEYS: u64 = 24;

fn instance(cluster: &Cluster, settings: &str) -> Cache {
    instance_of(RedisConfig::cluster(cluster.seeds()).unwrap(), settings)
}

fn keys(cache: &Cache) -> Vec<Key> {
    (0..KEYS).map(|user| cache.key("profile").user(user)).collect()
}

fn primary_of<'a>(cluster: &'a Cluster, key: &Key) -> &'a Server {
    cluster.primary_of_slot(Cluster::slot_of(key.as_bytes()))
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

const HASTY: &str =
    "remote_timeout = '200ms'\ndegraded_ttl = '300ms'\nmax_silence = '1s'\nwait = '300ms'";

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

/// By the rules that the documentation states.
async fn a_user_confined_to_the_namespace_is_enough(cluster: Arc<Cluster>) {
    let docs = [include_str!("../../docs/keys.md"), include_str!("../../docs/topologies.md")];
    let rules = docs.iter().flat_map(|text| text.lines()).filter(|line| {
        line.starts_with("ACL SETUSER atlas on") || line.starts_with("ACL SETUSER atlas +")
    });
    for rule in rules.map(|rule| rule.replace("atlas", "test").replace("…", "secret")) {
        let words: Vec<_> = rule.split_whitespace().collect();
        cluster.nodes().iter().for_each(|node| drop(node.cli(&words)));
    }
    let config = RedisConfig::cluster(cluster.seeds()).unwrap().username("test").password("secret");
    let source = Source::default();
    for config in [config.clone(), config.read_from_replicas(true)] {
        let (one, two) = (instance_of(config.clone(), PATIENT), instance_of(config, PATIENT));
        let key = one.key("profile").tier("free").user(1);
        let first = warm(&one, &key, &source).await;
        assert_eq!(warm(&two, &key, &source).await, first);

        one.invalidate(&key).await.unwrap();
        one.invalidate_user(1).await.unwrap();

        newer(&one, &key, &source, first).await;
        let stats = [one.stats(), two.stats()];
        assert!(stats.iter().all(|stats| stats.remote_errors == 0));
    }
}

/// It may be older than the news, which do not come again.
async fn what_a_replica_said_is_near_for_the_degraded_ttl(cluster: Arc<Cluster>) {
    let settings = "remote_timeout = '1s'\ndegraded_ttl = '200ms'";
    let config = RedisConfig::cluster(cluster.seeds()).unwrap().read_from_replicas(true);
    let (one, two) = (instance_of(config.clone(), settings), instance_of(config, settings));
    let (source, key, options) =
        (Source::default(), one.key("profile").user(1), CallOptions::table());
    one.get_or_load(&key, || source.load()).await.unwrap();
    warm(&two, &key, &source).await;

    let mut outcome = Outcome::NearHit;
    until("it is read again", async || {
        outcome = two.fetch(&key, &options, || source.load()).await.unwrap().outcome;
        outcome != Outcome::NearHit
    })
    .await;

    assert_eq!(outcome, Outcome::RemoteHit);
    assert!(listening(&two).await);
}

/// Leases and fills are the primary's, so there is one load for all.
async fn with_replicas_a_miss_is_still_one_load(cluster: Arc<Cluster>) {
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
