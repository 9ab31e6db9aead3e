//! How long answers took.

use std::time::Duration;

use crate::model::Kind;

/// The duration of every call, by kind.
#[derive(Debug, Default)]
pub(crate) struct Timings {
    calls: [Vec<Duration>; Kind::ALL.len()],
}

impl Timings {
    pub(crate) fn add(&mut self, kind: Kind, duration: Duration) {
        self.calls[kind as usize].push(duration);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (calls, more) in self.calls.iter_mut().zip(other.calls) {
            calls.extend(more);
        }
    }

    /// Returns the calls of the given kinds as one, ready to be asked.
    pub(crate) fn of(&self, kinds: &[Kind]) -> Sorted {
        let calls = kinds.iter().flat_map(|kind| &self.calls[*kind as usize]);
        let mut calls: Vec<Duration> = calls.copied().collect();
        calls.sort_unstable();
        Sorted(calls)
    }
}

/// Durations in order.
#[derive(Debug)]
pub(crate) struct Sorted(Vec<Duration>);

impl Sorted {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the duration that `percent` of the calls did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let index = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }
}
