//! Callers who ask all the time, whatever happens to Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::clock::{Clock, Timed};
use crate::database::USERS;
use crate::judge::Judge;
use crate::profiles::Profiles;

/// How many callers there are.
pub(crate) const CALLERS: u32 = 200;

/// How often each of them calls, if it is answered in time.
pub(crate) const EVERY: Duration = Duration::from_millis(50);

/// How many of a hundred calls are edits.
pub(crate) const EDITS: u32 = 2;

/// What a caller wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Edit,
    Read,
}

/// What a caller got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Error,
    /// Older than an edit that was acknowledged before the call.
    Old,
    Right,
}

/// One call, as its caller saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) time: Timed,
    pub(crate) verdict: Verdict,
}

/// The callers, until they are told to end.
#[derive(Debug)]
pub(crate) struct Traffic {
    callers: JoinSet<Vec<Call>>,
    over: Arc<AtomicBool>,
}

impl Traffic {
    /// Starts all callers; the same seed makes the same questions.
    pub(crate) fn start(profiles: &Profiles, clock: Clock, seed: u64) -> Result<Self> {
        let (over, judge) = (Arc::<AtomicBool>::default(), Arc::new(Judge::new()));
        // Zipf: the second user is asked for half as often as the first, the third a third as often.
        let popularity = WeightedIndex::new((1..=USERS).map(|rank| 1.0 / rank as f64))?;
        let callers = (0..CALLERS).map(|number| {
            let caller = Caller {
                profiles: profiles.clone(),
                clock,
                judge: Arc::clone(&judge),
                over: Arc::clone(&over),
                popularity: popularity.clone(),
                rng: StdRng::seed_from_u64(seed + u64::from(number)),
            };
            caller.ask(EVERY * number / CALLERS)
        });
        Ok(Self { callers: callers.collect(), over })
    }

    /// Lets the callers finish what they are waiting for, and returns all calls.
    pub(crate) async fn stop(self) -> Vec<Call> {
        self.over.store(true, Ordering::Relaxed);
        self.callers.join_all().await.concat()
    }
}

/// One of them.
#[derive(Debug)]
struct Caller {
    profiles: Profiles,
    clock: Clock,
    judge: Arc<Judge>,
    over: Arc<AtomicBool>,
    popularity: WeightedIndex<f64>,
    rng: StdRng,
}

impl Caller {
    async fn ask(mut self, delay: Duration) -> Vec<Call> {
        sleep(delay).await; // not all at the same moment
        let (mut calls, mut turns) = (Vec::new(), interval(EVERY));
        while !self.over.load(Ordering::Relaxed) {
            turns.tick().await;
            let user = self.popularity.sample(&mut self.rng);
            let is_edit = self.rng.random_ratio(EDITS, 100);
            calls.push(if is_edit { self.edit(user).await } else { self.read(user).await });
        }
        calls
    }

    async fn read(&self, user: usize) -> Call {
        let (at, floor) = (self.clock.now(), self.judge.floor(user));
        let profile = self.profiles.profile(user).await;
        let time = Timed::since(at, self.clock);
        let verdict = match profile {
            Err(_) => Verdict::Error,
            Ok(profile) if profile.edits < floor => Verdict::Old,
            Ok(_) => Verdict::Right,
        };
        Call { kind: Kind::Read, time, verdict }
    }

    async fn edit(&self, user: usize) -> Call {
        let at = self.clock.now();
        let edits = self.profiles.edit(user).await;
        let time = Timed::since(at, self.clock);
        match edits {
            Err(_) => Call { kind: Kind::Edit, time, verdict: Verdict::Error },
            Ok(edits) => {
                self.judge.acknowledge(user, edits);
                Call { kind: Kind::Edit, time, verdict: Verdict::Right }
            }
        }
    }
}
