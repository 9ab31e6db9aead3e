//! P2 and P3 under random use: several instances, one Redis, a truth that only grows, and a judge.
//!
//! `CACHE_ASIDE_SEED` reruns a seed, `CACHE_ASIDE_OPERATIONS` sets how many operations there are.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cache_aside::{Cache, Key, RedisBackend, Settings, TtlTable};
use cache_test_servers::{Flavour, Server, server_or_return};
use futures_util::future::join_all;

use crate::common::{kill_connections, memory, on_every_server, until};

const INSTANCES: usize = 3;
const TASKS: u64 = 8;
const USERS: u64 = 4;
const KEYS: usize = 12;

on_every_server! {
    no_answer_is_older_than_an_invalidation_that_has_returned
}

async fn no_answer_is_older_than_an_invalidation_that_has_returned(server: Server) {
    let seed = number("CACHE_ASIDE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("CACHE_ASIDE_SEED={seed}");
    let world = Arc::new(World::new(server));
    let operations = number("CACHE_ASIDE_OPERATIONS").unwrap_or(40_000);
    let tasks = (0..TASKS).map(|task| {
        let (world, mut dice) = (Arc::clone(&world), Dice(seed ^ (task + 1)));
        tokio::spawn(async move {
            for _ in 0..operations / TASKS {
                world.step(&mut dice).await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    world.settle().await;
}

/// The instances, the truth, and what each instance may not forget.
struct World {
    server: Server,
    instances: Vec<Cache>,
    /// The current version of each key's value.
    truth: Vec<AtomicU64>,
    /// By instance and key: the version that an invalidation there has made known.
    floors: Vec<Vec<AtomicU64>>,
    /// The keys of which Redis could not be told: it may serve an old value of those.
    untold: Vec<AtomicBool>,
}

impl World {
    fn new(server: Server) -> Self {
        let zeros = || (0..KEYS).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
        let instances = (0..INSTANCES).map(|_| instance(&server)).collect();
        let floors = (0..INSTANCES).map(|_| zeros()).collect();
        let untold = (0..KEYS).map(|_| AtomicBool::new(false)).collect();
        Self { server, instances, truth: zeros(), floors, untold }
    }

    fn key(&self, index: usize) -> Key {
        let tier = ["free", "studio"][index % 2];
        self.instances[0].key("truth").tier(tier).user(index as u64 % USERS).arg(index)
    }

    async fn step(&self, dice: &mut Dice) {
        let (at, index) = (dice.below(INSTANCES as u64) as usize, dice.below(KEYS as u64) as usize);
        match dice.below(1000) {
            0..=29 => self.edit_one(at, index).await,
            30..=36 => self.edit_user(at, index as u64 % USERS).await,
            37..=38 => self.edit_all(at).await,
            39..=44 => drop(self.server.cli(&["DEL", self.key(index).as_str()])),
            45 => drop(self.server.cli(&["FLUSHALL"])),
            46 if dice.below(4) == 0 => kill_connections(&self.server),
            _ => drop(self.read(at, index, dice.below(3)).await),
        }
    }

    /// Asks an instance, whose answer must be at least as new as what it was told before.
    async fn read(&self, at: usize, index: usize, slowness: u64) -> u64 {
        let floor = self.floors[at][index].load(Ordering::SeqCst);
        let load = || async {
            let version = self.truth[index].load(Ordering::SeqCst);
            if slowness > 0 {
                tokio::time::sleep(Duration::from_millis(slowness)).await;
            }
            Ok::<_, Infallible>(version)
        };
        let seen = *self.instances[at].get_or_load(&self.key(index), load).await.unwrap();
        assert!(seen >= floor, "instance {at}, key {index}: {seen} after {floor}");
        seen
    }

    async fn edit_one(&self, at: usize, index: usize) {
        let edits = self.edit(|key| key == index);
        let told = self.instances[at].invalidate(&self.key(index)).await;
        self.know(at, &edits, told.is_ok());
    }

    async fn edit_user(&self, at: usize, user: u64) {
        let edits = self.edit(|key| key as u64 % USERS == user);
        let told = self.instances[at].invalidate_user(user).await;
        self.know(at, &edits, told.is_ok());
    }

    async fn edit_all(&self, at: usize) {
        let edits = self.edit(|_| true);
        let told = self.instances[at].clear().await;
        self.know(at, &edits, told.is_ok());
    }

    fn edit(&self, which: impl Fn(usize) -> bool) -> Vec<(usize, u64)> {
        let keys = (0..KEYS).filter(|key| which(*key));
        keys.map(|key| (key, self.truth[key].fetch_add(1, Ordering::SeqCst) + 1)).collect()
    }

    /// What Redis could not be told of may come back from there: that is a promise not made yet.
    fn know(&self, at: usize, edits: &[(usize, u64)], told: bool) {
        for (key, version) in edits {
            if told {
                self.floors[at][*key].fetch_max(*version, Ordering::SeqCst);
            } else {
                self.untold[*key].store(true, Ordering::SeqCst);
            }
        }
    }

    /// With nobody editing any more, every instance comes to the truth and stays there.
    async fn settle(&self) {
        for index in (0..KEYS).filter(|index| self.untold[*index].load(Ordering::SeqCst)) {
            let tell = async || self.instances[0].invalidate(&self.key(index)).await.is_ok();
            until("the last edit is told", tell).await;
        }
        let newcomer = instance(&self.server);
        for index in 0..KEYS {
            let truth = self.truth[index].load(Ordering::SeqCst);
            for at in 0..INSTANCES {
                until("the truth", async || self.read(at, index, 0).await == truth).await;
                assert_eq!(self.read(at, index, 0).await, truth);
            }
            let found = newcomer.get::<u64>(&self.key(index)).await.unwrap();
            assert!(found.is_none_or(|version| *version == truth));
        }
        let hits: u64 = self.instances.iter().map(|cache| cache.stats().total().near_hits).sum();
        println!("{hits} near hits, {:?}", self.instances[0].stats().total());
        assert!(hits > 0);
    }
}

fn instance(server: &Server) -> Cache {
    let settings = "remote_timeout = '2s'\ndegraded_ttl = '1h'\nretry_min = '1ms'";
    Cache::builder("oracle")
        .ttl_table(TtlTable::from_toml("default = '1h'").unwrap())
        .settings(Settings::from_toml(settings).unwrap())
        .near(memory())
        .remote(RedisBackend::new(&server.url()).unwrap())
        .build()
        .unwrap()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A generator that a seed repeats: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}
