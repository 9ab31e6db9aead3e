//! What a run of a fault came to.

use std::time::Duration;

use cache_aside::{Invalidation, Outcome};

use super::quantiles::Quantiles;
use super::stage::Fault;
use super::traffic::{Call, Log, Write};
use super::watch::Watch;

/// When things happened in a run, and what was counted then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    pub(super) begun: Duration,
    pub(super) ended: Duration,
    /// How long after the end.
    pub(super) recovered: Option<Duration>,
    /// Loads during the fault, and before it.
    pub(super) loads: u64,
    pub(super) loads_before: u64,
    /// How often something had gone wrong when all had recovered.
    pub(super) troubles: u64,
}

/// What callers noticed of a fault.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The fault's name.
    pub name: &'static str,
    /// How long it lasted.
    pub lasted: Duration,
    /// How many calls were made in that time.
    pub calls: usize,
    /// How many of those were answered from memory, from Redis, and by the source.
    pub got: [usize; 3],
    /// How many were answered with an error, in the whole run.
    pub errors: usize,
    /// How long the calls took.
    pub took: Quantiles,
    /// How long those took that were not answered from memory.
    pub took_past_memory: Quantiles,
    /// The longest of all calls of the whole run.
    pub longest: Duration,
    /// The longest invalidation of the whole run.
    pub longest_write: Duration,
    /// How often the source was asked a second, before the fault and during it.
    pub loads: [f64; 2],
    /// When both instances had begun to leave the server alone.
    pub opened: Option<Duration>,
    /// How often an instance began that.
    pub openings: u64,
    /// How long after the end both instances shared entries and heard news again.
    pub recovered: Option<Duration>,
    /// How many invalidations during the fault Redis was told of, how many were journalled, and how
    /// many failed.
    pub told: [usize; 3],
    /// How long invalidations took in that time.
    pub writes_took: Quantiles,
    /// Answers that were older than an acknowledged invalidation, in the whole run.
    pub stale: Vec<String>,
    /// What health said was wrong during the fault, what it said longest first.
    pub problems: Vec<String>,
}

impl Figures {
    pub(super) fn new(
        fault: &Fault,
        moments: &Moments,
        logs: &[Log],
        watch: &Watch,
        stale: Vec<String>,
        openings: u64,
    ) -> Self {
        let (all, all_writes) = sorted(logs);
        let span = moments.begun..moments.ended;
        let calls: Vec<_> = all.iter().filter(|call| span.contains(&call.at)).collect();
        let writes: Vec<_> = all_writes.iter().filter(|write| span.contains(&write.at)).collect();
        let got = |outcomes: &[Outcome]| {
            let is_one = |call: &&&Call| call.got.is_some_and(|got| outcomes.contains(&got));
            calls.iter().filter(is_one).count()
        };
        let past_memory = calls.iter().filter(|call| call.got != Some(Outcome::NearHit));
        let lasted = moments.ended - moments.begun;
        Self {
            name: fault.name,
            lasted,
            calls: calls.len(),
            got: [
                got(&[Outcome::NearHit]),
                got(&[Outcome::RemoteHit]),
                got(&[Outcome::Bypass, Outcome::Loaded]),
            ],
            errors: all.iter().filter(|call| call.got.is_none()).count(),
            took: Quantiles::of(calls.iter().map(|call| call.took)),
            took_past_memory: Quantiles::of(past_memory.map(|call| call.took)),
            longest: all.iter().map(|call| call.took).max().unwrap_or_default(),
            longest_write: all_writes.iter().map(|write| write.took).max().unwrap_or_default(),
            loads: [
                per_second(moments.loads_before, moments.begun),
                per_second(moments.loads, lasted),
            ],
            opened: watch.opened(moments.begun, moments.ended),
            openings,
            recovered: moments.recovered,
            told: [Some(Invalidation::Everywhere), Some(Invalidation::Journalled), None]
                .map(|told| writes.iter().filter(|write| write.told == told).count()),
            writes_took: Quantiles::of(writes.iter().map(|write| write.took)),
            stale,
            problems: watch.problems(moments.begun, moments.ended),
        }
    }
}

fn sorted(logs: &[Log]) -> (Vec<Call>, Vec<Write>) {
    let (mut calls, mut writes) = (Vec::new(), Vec::new());
    for log in logs {
        match log {
            Log::Calls(some) => calls.extend(some),
            Log::Writes(some) => writes.extend(some),
        }
    }
    (calls, writes)
}

fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}
