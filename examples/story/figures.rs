//! What callers and the database saw on a day.

use std::time::Duration;

use cache_aside::Outcome;
use cache_aside_examples::figures::Sorted;

use crate::day::Kind;
use crate::judge::Verdict;
use crate::service::Call;
use crate::step::Step;

/// The figures of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) step: Step,
    pub(crate) calls: usize,
    /// How often the database was read.
    pub(crate) queries: usize,
    /// How many of those were under way at once, at most.
    pub(crate) at_once: usize,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) errors: usize,
    /// Answers older than an acknowledged edit.
    pub(crate) old: usize,
    /// For how long the edit had been acknowledged, at most.
    pub(crate) old_for: Duration,
    /// The same, of edits of which Redis could not be told yet.
    pub(crate) owed: usize,
    pub(crate) owed_for: Duration,
    /// Answers past their time that were served on purpose, and not old.
    pub(crate) stale: usize,
}

impl Figures {
    pub(crate) fn new(step: Step, calls: &[Call], (queries, at_once): (usize, usize)) -> Self {
        let reads = || calls.iter().filter(|call| call.kind == Kind::Read);
        let took = Sorted::new(reads().map(|call| call.took));
        let errors = calls.iter().filter(|call| call.verdict == Verdict::Error).count();
        let old = Sorted::new(calls.iter().filter_map(|call| match call.verdict {
            Verdict::Old(time) => Some(time),
            _ => None,
        }));
        let owed = Sorted::new(calls.iter().filter_map(|call| match call.verdict {
            Verdict::Owed(time) => Some(time),
            _ => None,
        }));
        let is_stale =
            |call: &&Call| call.outcome == Some(Outcome::Stale) && call.verdict == Verdict::Right;
        Self {
            step,
            calls: took.count(),
            queries,
            at_once,
            p50: took.percentile(50),
            p99: took.percentile(99),
            errors,
            old: old.count(),
            old_for: old.max(),
            owed: owed.count(),
            owed_for: owed.max(),
            stale: reads().filter(is_stale).count(),
        }
    }
}
