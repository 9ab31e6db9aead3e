//! P2 and P3 while slots move from node to node: two instances, a truth that only grows, a judge.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cache_aside::{
    Cache, CallOptions, Key, Outcome, RedisBackend, RedisConfig, Settings, TtlTable,
};
use cache_test_servers::{Cluster, Flavour, Server, cluster_or_return};
use futures_util::future::join_all;

use crate::common::{Source, memory, until};

const INSTANCES: usize = 2;
const TASKS: usize = 4;
const KEYS: usize = 6;
const MOVES: usize = 6;

fn instance(cluster: &Cluster) -> Cache {
    let settings = "remote_timeout = '2s'\ndegraded_ttl = '1h'\nretry_min = '1ms'";
    let config = RedisConfig::cluster(cluster.seeds()).unwrap();
    Cache::builder("moving")
        .ttl_table(TtlTable::from_toml("default = '1h'").unwrap())
        .settings(Settings::from_toml(settings).unwrap())
        .near(memory())
        .remote(RedisBackend::with_config(config).unwrap())
        .build()
        .unwrap()
}

fn slot(key: &Key) -> u16 {
    Cluster::slot_of(key.as_bytes())
}

/// Returns a primary that does not hold the slot.
fn elsewhere(cluster: &Cluster, slot: u16) -> &Server {
    let holder = cluster.primary_of_slot(slot).port();
    cluster.nodes()[..3].iter().find(|node| node.port() != holder).unwrap()
}

/// Two keys are in the slot that moves, so that one is still there when the other is not any more.
struct World {
    cluster: Cluster,
    instances: Vec<Cache>,
    keys: Vec<Key>,
    truth: Vec<AtomicU64>,
    /// By instance and key: the version that an invalidation there has made known.
    floors: Vec<Vec<AtomicU64>>,
    is_over: AtomicBool,
}

impl World {
    fn new(cluster: Cluster) -> Self {
        let instances: Vec<_> = (0..INSTANCES).map(|_| instance(&cluster)).collect();
        let all = |id: usize| instances[0].key("truth").user(id % 2).arg(id);
        let moving = slot(&all(0));
        let mut keys: Vec<_> = (0..KEYS - 1).map(all).collect();
        keys.push((KEYS..).map(all).find(|key| slot(key) == moving).unwrap());
        let zeros = || keys.iter().map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
        let floors = instances.iter().map(|_| zeros()).collect();
        Self { truth: zeros(), floors, cluster, instances, keys, is_over: AtomicBool::new(false) }
    }

    fn moves(&self) {
        let slot = slot(&self.keys[0]);
        for _ in 0..MOVES {
            let to = elsewhere(&self.cluster, slot);
            self.cluster.begin_move(slot, to);
            self.cluster.move_keys(slot, to);
            // What is filled in the meantime is at the target already.
            std::thread::sleep(Duration::from_millis(50));
            self.cluster.finish_move(slot, to);
        }
        self.is_over.store(true, Ordering::SeqCst);
    }

    async fn read(&self, at: usize, index: usize) -> u64 {
        let floor = self.floors[at][index].load(Ordering::SeqCst);
        let load = || async {
            let version = self.truth[index].load(Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(version)
        };
        let seen = *self.instances[at].get_or_load(&self.keys[index], load).await.unwrap();
        assert!(seen >= floor, "instance {at}, key {index}: {seen} after {floor}");
        seen
    }

    async fn edit(&self, at: usize, index: usize) {
        let version = self.truth[index].fetch_add(1, Ordering::SeqCst) + 1;
        self.instances[at].invalidate(&self.keys[index]).await.unwrap();
        self.floors[at][index].fetch_max(version, Ordering::SeqCst);
    }

    async fn work(&self, task: usize) -> u64 {
        let mut steps = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            let (at, index) = (steps % INSTANCES, (steps * 7 + task) % KEYS);
            match steps % 20 {
                0 => self.edit(at, index).await,
                _ => drop(self.read(at, index).await),
            }
            steps += 1;
            if steps % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        steps as u64
    }

    /// With nobody editing any more, every instance comes to the truth by itself and stays there.
    async fn settle(&self) {
        for index in 0..KEYS {
            let truth = self.truth[index].load(Ordering::SeqCst);
            for at in 0..INSTANCES {
                until("the truth", async || self.read(at, index).await == truth).await;
            }
        }
        let hits: u64 = self.instances.iter().map(|cache| cache.stats().total().near_hits).sum();
        println!("{hits} near hits, {:?}", self.instances[0].stats().total());
        assert!(hits > 0);
    }
}

async fn no_answer_is_stale_while_a_slot_moves(cluster: Cluster) {
    let world = Arc::new(World::new(cluster));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.work(task).await })
        })
        .collect();

    let its_world = Arc::clone(&world);
    tokio::task::spawn_blocking(move || its_world.moves()).await.unwrap();

    let steps: u64 = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    println!("{steps} steps");
    world.settle().await;
}

/// Entries are found where they are: before, while and after their slot moves.
async fn no_entry_is_lost_while_its_slot_moves(cluster: Cluster) {
    let (cache, source) = (instance(&cluster), Source::default());
    let all = |id: usize| cache.key("entry").arg(id);
    let moving = slot(&all(0));
    let keys: Vec<_> = (0..).map(all).filter(|key| slot(key) == moving).take(4).collect();
    for key in &keys {
        cache.get_or_load(key, || source.load()).await.unwrap();
    }
    let to = elsewhere(&cluster, moving);
    let assert_found = async || {
        let (newcomer, options) = (instance(&cluster), CallOptions::table());
        for key in &keys {
            let found = newcomer.fetch(key, &options, || source.load()).await.unwrap();
            assert_eq!(found.outcome, Outcome::RemoteHit);
        }
    };

    cluster.begin_move(moving, to);
    assert_found().await;
    cluster.move_keys(moving, to);
    assert_found().await;
    tokio::task::block_in_place(|| cluster.finish_move(moving, to));
    assert_found().await;

    assert_eq!(source.loads(), keys.len() as u32);
}

macro_rules! on {
    ($module:ident, $flavour:ident: $($name:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let cluster = super::cluster_or_return!(super::Flavour::$flavour);
                super::$name(cluster).await;
            })*
        }
    };
}

on!(redis_7, Redis: no_answer_is_stale_while_a_slot_moves no_entry_is_lost_while_its_slot_moves);
on!(valkey_8, Valkey: no_answer_is_stale_while_a_slot_moves no_entry_is_lost_while_its_slot_moves);
