//! How long answers took.

use std::time::Duration;

use cache_aside_examples::figures::Sorted;

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
        Sorted::new(kinds.iter().flat_map(|kind| &self.calls[*kind as usize]).copied())
    }
}
