//! The traffic of all instances.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cache_aside::{Key, Stats};
use cache_aside_tests::world::{Dice, Truth};
use tokio::time::{sleep, timeout};

use crate::instance::{Instance, ROWS};
use crate::tally::Tally;

/// What all callers share.
#[derive(Debug)]
pub(crate) struct Service {
    slots: Vec<RwLock<Arc<Instance>>>,
    truth: Truth,
    redis: String,
    /// Numbers that are asked for once and never again.
    news: AtomicU64,
    over: AtomicBool,
    pub(crate) tally: Tally,
}

impl Service {
    pub(crate) fn start(redis: String, instances: usize) -> Arc<Self> {
        let slots = (0..instances).map(|_| RwLock::new(Instance::start(&redis))).collect();
        Arc::new(Self {
            slots,
            truth: Truth::here(ROWS),
            redis,
            news: AtomicU64::new(0),
            over: AtomicBool::new(false),
            tally: Tally::default(),
        })
    }

    /// Asks one instance, with pauses, until all is over.
    pub(crate) async fn call(self: Arc<Self>, slot: usize, mut dice: Dice) {
        while !self.over.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(dice.below(20))).await;
            let instance = self.instance(slot);
            self.step(&instance, &mut dice).await;
            self.tally.calls.add_one();
        }
    }

    /// Replaces instances now and then, until all is over.
    pub(crate) async fn renew(self: Arc<Self>, slots: Vec<usize>, mut dice: Dice) {
        loop {
            sleep(Duration::from_millis(2_000 + dice.below(6_000))).await;
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let slot = slots[dice.place(slots.len())];
            let new = Instance::start(&self.redis);
            let old = std::mem::replace(
                &mut *self.slots[slot].write().unwrap_or_else(PoisonError::into_inner),
                new,
            );
            // Some are closed, others just dropped: neither may leave anything behind.
            if dice.below(2) == 0 {
                let closed = old.cache.close().await;
                self.tally.left_at_close.add(closed.invalidations_left as u64);
            }
            self.tally.instances.add_one();
        }
    }

    /// Lets all callers end, and closes the instances that there are.
    pub(crate) async fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
        for slot in 0..self.slots.len() {
            self.instance(slot).cache.close().await;
        }
    }

    /// Returns the counters of the instances that there are now.
    pub(crate) fn stats(&self) -> Vec<Stats> {
        (0..self.slots.len()).map(|slot| self.instance(slot).cache.stats()).collect()
    }

    fn instance(&self, slot: usize) -> Arc<Instance> {
        Arc::clone(&self.slots[slot].read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn step(&self, instance: &Instance, dice: &mut Dice) {
        let row = dice.place(ROWS);
        match dice.below(100) {
            0..=2 => self.edit_key(instance, row).await,
            3..=4 => self.edit_user(instance, row).await,
            5 => self.guard(instance, row).await,
            6 => self.end_tag(instance, row).await,
            7..=11 => self.read_many(instance, dice).await,
            12..=16 => self.look(instance, row).await,
            17..=26 => self.read_once(instance).await,
            27..=30 => {
                let patience = Duration::from_millis(dice.below(6));
                if timeout(patience, self.read(instance, row)).await.is_err() {
                    self.tally.cancelled.add_one();
                }
            }
            _ => self.read(instance, row).await,
        }
    }

    async fn read(&self, instance: &Instance, row: usize) {
        let floor = instance.floor(row);
        let load = || async { Ok::<_, Infallible>(self.load(row).await) };
        let Ok(seen) = instance.cache.get_or_load(&key(instance, row), load).await;
        self.judge(*seen, floor);
    }

    /// Reads what nobody has asked for before, of a user and with a tag that are new, too.
    async fn read_once(&self, instance: &Instance) {
        let number = self.news.fetch_add(1, Ordering::Relaxed);
        let tag = format!("tag {number}");
        let key = instance.cache.key("news").user(ROWS as u64 + number).tag(&tag);
        let load = || async { Ok::<_, Infallible>(vec![number; 20]) };
        let Ok(_) = instance.cache.get_or_load(&key, load).await;
    }

    /// Reads without a loader.
    async fn look(&self, instance: &Instance, row: usize) {
        let floor = instance.floor(row);
        match instance.cache.get::<u64>(&key(instance, row)).await {
            Ok(found) => self.judge(found.map_or(floor, |seen| *seen), floor),
            Err(_) => self.tally.errors.add_one(),
        }
    }

    async fn read_many(&self, instance: &Instance, dice: &mut Dice) {
        let rows: Vec<usize> = (0..8).map(|_| dice.place(ROWS)).collect();
        let floors: Vec<u64> = rows.iter().map(|row| instance.floor(*row)).collect();
        let keys: Vec<Key> = rows.iter().map(|row| key(instance, *row)).collect();
        let load = |missing: Vec<usize>| {
            let wanted: Vec<usize> = missing.into_iter().map(|place| rows[place]).collect();
            async move {
                let mut versions = Vec::new();
                for row in wanted {
                    versions.push(Some(self.truth.read(row).await));
                }
                sleep(Duration::from_millis(2)).await;
                Ok::<_, Infallible>(versions)
            }
        };
        let Ok(seen) = instance.cache.get_or_load_many::<u64, _, _, _>(&keys, load).await;
        for (seen, floor) in seen.into_iter().zip(floors) {
            match seen {
                Some(seen) => self.judge(*seen, floor),
                None => self.tally.errors.add_one(),
            }
        }
    }

    async fn edit_key(&self, instance: &Instance, row: usize) {
        let version = self.truth.edit(row).await;
        let told = instance.cache.invalidate(&key(instance, row)).await;
        self.know(instance, row, version, told.is_ok());
    }

    async fn edit_user(&self, instance: &Instance, row: usize) {
        let version = self.truth.edit(row).await;
        let told = instance.cache.invalidate_user(row).await;
        self.know(instance, row, version, told.is_ok());
    }

    async fn guard(&self, instance: &Instance, row: usize) {
        let changes = instance.cache.changes().key(key(instance, row));
        let Ok(guard) = changes.begin().await else { return self.tally.refused.add_one() };
        let version = self.truth.edit(row).await;
        let told = guard.finish().await;
        self.know(instance, row, version, told.is_ok());
    }

    async fn end_tag(&self, instance: &Instance, row: usize) {
        let told = instance.cache.invalidate_tag(&format!("tag {row}")).await;
        if told.is_err() {
            self.tally.refused.add_one();
        }
    }

    fn know(&self, instance: &Instance, row: usize, version: u64, is_told: bool) {
        if is_told {
            instance.acknowledge(row, version);
            self.tally.edits.add_one();
        } else {
            self.tally.refused.add_one();
        }
    }

    /// Reads the row first and answers later: the answer may be old when it comes.
    async fn load(&self, row: usize) -> u64 {
        let version = self.truth.read(row).await;
        sleep(Duration::from_millis(3)).await;
        version
    }

    fn judge(&self, seen: u64, floor: u64) {
        if seen < floor {
            self.tally.old.add_one();
        }
    }
}

fn key(instance: &Instance, row: usize) -> Key {
    instance.cache.key("row").user(row).arg(row)
}
