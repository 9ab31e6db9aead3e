//! Steady traffic over two instances: callers, writers, and the source that they share.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_aside::{Cache, CallOptions, Invalidation, Key, Outcome, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::judge::Judge;
use crate::world::{Dice, Truth};

/// How many keys there are.
pub(super) const KEYS: usize = 50;
/// How long the source takes.
pub const LOAD: Duration = Duration::from_millis(5);
/// How many users the keys are of.
const USERS: usize = 10;
/// How many callers each instance has.
const CALLERS: u64 = 4;
/// How long a caller does other things between two calls.
const REST: Duration = Duration::from_millis(2);
/// How long a writer does other things between two edits; each instance has one writer.
const WRITE_EVERY: Duration = Duration::from_millis(100);

/// Instances, their source, and who looks at their answers.
#[derive(Debug)]
pub(super) struct Traffic {
    pub(super) instances: Vec<Cache>,
    pub(super) judge: Judge,
    truth: Truth,
    loads: AtomicU64,
    is_over: AtomicBool,
    begun: Instant,
}

/// One call: when, how long, and what the caller got; `None` is an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) at: Duration,
    pub(super) took: Duration,
    pub(super) got: Option<Outcome>,
}

/// One invalidation: when, how long, and what it came to; `None` is an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    pub(super) at: Duration,
    pub(super) took: Duration,
    pub(super) told: Option<Invalidation>,
}

/// What one task did.
#[derive(Debug)]
pub(super) enum Log {
    Calls(Vec<Call>),
    Writes(Vec<Write>),
}

impl Traffic {
    pub(super) fn new(instances: Vec<Cache>) -> Self {
        Self {
            judge: Judge::new(instances.len()),
            instances,
            truth: Truth::here(KEYS),
            loads: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            begun: Instant::now(),
        }
    }

    /// Returns the time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Returns how often the source was asked.
    pub(super) fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    /// Returns how often something went wrong between the instances and their server.
    pub(super) fn troubles(&self) -> u64 {
        let troubles = self.instances.iter().map(|cache| {
            let stats = cache.stats();
            stats.breaker_openings + stats.remote_errors + stats.remote_timeouts
        });
        troubles.sum()
    }

    /// Starts all callers and writers.
    pub(super) fn start(self: &Arc<Self>) -> JoinSet<Log> {
        let mut tasks = JoinSet::new();
        for at in 0..self.instances.len() {
            for caller in 0..CALLERS {
                let (traffic, dice) = (Arc::clone(self), Dice::new(caller << 8 | at as u64));
                tasks.spawn(async move { Log::Calls(traffic.calls(at, dice).await) });
            }
            let (traffic, dice) = (Arc::clone(self), Dice::new(1 << 16 | at as u64));
            tasks.spawn(async move { Log::Writes(traffic.writes(at, dice).await) });
        }
        tasks
    }

    /// Has all callers and writers come to an end.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    async fn calls(&self, at: usize, mut dice: Dice) -> Vec<Call> {
        let mut calls = Vec::new();
        while !self.is_over.load(Ordering::SeqCst) {
            let index = dice.place(KEYS);
            calls.push(self.call(at, index).await);
            sleep(REST).await;
        }
        calls
    }

    /// Asks an instance for a key.
    pub(super) async fn call(&self, at: usize, index: usize) -> Call {
        let (key, floors) = (self.key(index), self.judge.floors(at, index));
        let started = Instant::now();
        let load = || self.load(index);
        let answer = self.instances[at].fetch(&key, &CallOptions::table(), load).await;
        let (took, at_time) = (started.elapsed(), started - self.begun);
        if let Ok(answer) = &answer {
            self.judge.see(format_args!("instance {at}"), index, *answer.value, floors);
        }
        Call { at: at_time, took, got: answer.ok().map(|answer| answer.outcome) }
    }

    /// The source: never fails, so that whatever a caller gets instead is the cache's fault.
    async fn load(&self, index: usize) -> io::Result<u64> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let version = self.truth.read(index).await;
        sleep(LOAD).await;
        Ok(version)
    }

    async fn writes(&self, at: usize, mut dice: Dice) -> Vec<Write> {
        let mut writes = Vec::new();
        while !self.is_over.load(Ordering::SeqCst) {
            let index = dice.place(KEYS);
            writes.push(match dice.below(8) {
                0 => self.write_user(at, index % USERS).await,
                _ => self.write(at, index).await,
            });
            sleep(WRITE_EVERY).await;
        }
        writes
    }

    async fn write(&self, at: usize, index: usize) -> Write {
        let edits = [(index, self.truth.edit(index).await)];
        let (key, started) = (self.key(index), Instant::now());
        let told = self.instances[at].invalidate(&key).await;
        self.note(at, &edits, started, told)
    }

    async fn write_user(&self, at: usize, user: usize) -> Write {
        let mut edits = Vec::new();
        for index in (0..KEYS).filter(|index| index % USERS == user) {
            edits.push((index, self.truth.edit(index).await));
        }
        let started = Instant::now();
        let told = self.instances[at].invalidate_user(user).await;
        self.note(at, &edits, started, told)
    }

    fn note(
        &self,
        at: usize,
        edits: &[(usize, u64)],
        started: Instant,
        told: Result<Invalidation>,
    ) -> Write {
        let took = started.elapsed();
        if told.is_ok() {
            edits.iter().for_each(|(index, version)| self.judge.acknowledge(at, *index, *version));
        }
        Write { at: started - self.begun, took, told: told.ok() }
    }

    /// Half of the entries live for a minute, the others end by themselves all the time.
    pub(super) fn key(&self, index: usize) -> Key {
        let entity = if index.is_multiple_of(2) { "profile" } else { "search" };
        self.instances[0].key(entity).tier("free").user(index % USERS).arg(index)
    }
}
