//! Everything that was seen, and what it says of a stretch of time.

use std::ops::Range;
use std::time::Duration;

use cache_aside_examples::figures::Sorted;

use crate::clock::Timed;
use crate::phase::Phase;
use crate::traffic::{Call, Kind, Verdict};
use crate::watch::Sample;

/// When a phase was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) phase: Phase,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

impl Span {
    pub(crate) fn whole(self) -> Range<Duration> {
        self.from..self.to
    }

    pub(crate) fn first_second(self) -> Range<Duration> {
        self.from..self.from + Duration::from_secs(1)
    }
}

/// The run.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) calls: Vec<Call>,
    pub(crate) loads: Vec<Timed>,
    /// By how much the machine was late.
    pub(crate) lateness: Vec<Timed>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) spans: Vec<Span>,
}

impl Record {
    /// Returns when the first phase began and the last one ended.
    pub(crate) fn bounds(&self) -> (Duration, Duration) {
        let start = self.spans.first().map_or(Duration::ZERO, |first| first.from);
        (start, self.spans.last().map_or(start, |last| last.to))
    }

    /// Returns the time that each read took which was answered in `window`.
    pub(crate) fn reads(&self, window: &Range<Duration>) -> Sorted {
        self.times(|call| call.kind == Kind::Read && window.contains(&call.time.end()))
    }

    pub(crate) fn edits(&self, window: &Range<Duration>) -> Sorted {
        self.times(|call| call.kind == Kind::Edit && window.contains(&call.time.end()))
    }

    /// Returns the time that each read took which began in `window`.
    pub(crate) fn reads_begun(&self, window: &Range<Duration>) -> Sorted {
        self.times(|call| call.kind == Kind::Read && window.contains(&call.time.at))
    }

    /// Returns the time that each call took which was under way in `window`.
    pub(crate) fn under_way(&self, window: &Range<Duration>) -> Sorted {
        self.times(|call| call.time.at < window.end && call.time.end() > window.start)
    }

    pub(crate) fn loads(&self, window: &Range<Duration>) -> Sorted {
        Sorted::new(self.loads.iter().filter(|it| window.contains(&it.at)).map(|it| it.took))
    }

    pub(crate) fn lateness(&self, window: &Range<Duration>) -> Sorted {
        Sorted::new(self.lateness.iter().filter(|it| window.contains(&it.at)).map(|it| it.took))
    }

    /// Counts the calls that ended so in `window`.
    pub(crate) fn count(&self, window: &Range<Duration>, verdict: Verdict) -> usize {
        let calls = self.calls.iter().filter(|call| window.contains(&call.time.end()));
        calls.filter(|call| call.verdict == verdict).count()
    }

    /// Returns the shares of answers from memory, the server and the database.
    pub(crate) fn shares(&self, window: &Range<Duration>) -> [f64; 3] {
        let (first, last) = (self.answers_at(window.start), self.answers_at(window.end));
        let answers = [0, 1, 2].map(|origin| (last[origin] - first[origin]) as f64);
        let all = answers.iter().sum::<f64>().max(1.0);
        answers.map(|count| count / all)
    }

    /// Returns how long after the beginning of an outage the server was given up.
    pub(crate) fn given_up(&self, span: Span) -> Option<Duration> {
        self.first(span, |sample| !sample.is_used)
    }

    /// Returns how long after its first answer the server was in use.
    pub(crate) fn used_again(&self, span: Span) -> Option<Duration> {
        self.first(span, |sample| sample.is_used)
    }

    fn first(&self, span: Span, is_it: impl Fn(&Sample) -> bool) -> Option<Duration> {
        let mut samples = self.samples.iter().filter(|sample| span.whole().contains(&sample.at));
        samples.find(|sample| is_it(sample)).map(|sample| sample.at - span.from)
    }

    fn times(&self, wanted: impl Fn(&Call) -> bool) -> Sorted {
        Sorted::new(self.calls.iter().filter(|call| wanted(call)).map(|call| call.time.took))
    }

    fn answers_at(&self, time: Duration) -> [u64; 3] {
        let later = self.samples.partition_point(|sample| sample.at <= time);
        self.samples[..later].last().copied().unwrap_or_default().answers
    }
}
