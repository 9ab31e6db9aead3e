//! The breaker: tells when a remote level counts as down.

use std::collections::VecDeque;
use std::time::Duration;

use rand::Rng;

use crate::policy::Settings;

/// Counts how operations go, and says when to leave the remote level alone: after failures in a row,
/// or when too great a part of the operations of late failed or were slow.
///
/// Pure but for what it counts: times are given to it.
#[derive(Debug)]
pub(crate) struct Breaker {
    in_a_row: u32,
    window: VecDeque<Slice>,
    rules: Rules,
}

/// When a remote level counts as down.
#[derive(Clone, Copy, Debug)]
struct Rules {
    failures_to_open: u32,
    window: Duration,
    percent: u32,
    calls: u32,
}

/// The operations of one part of the window.
#[derive(Debug)]
struct Slice {
    began: Duration,
    calls: u32,
    bad: u32,
}

/// How an operation went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Failed,
    Fine,
    /// It was answered, later than is of use.
    Slow,
}

impl Breaker {
    /// How many parts the window has, and so how exact its end is.
    const SLICES: u32 = 10;

    pub(crate) fn new(settings: &Settings) -> Self {
        let rules = Rules {
            failures_to_open: settings.failures_to_open,
            window: settings.failure_window,
            percent: settings.failure_percent.into(),
            calls: settings.calls_to_judge,
        };
        Self { in_a_row: 0, window: VecDeque::new(), rules }
    }

    /// Notes how an operation went; true if the remote level counts as down now.
    pub(crate) fn note(&mut self, verdict: Verdict, now: Duration) -> bool {
        self.in_a_row = match verdict {
            Verdict::Failed => self.in_a_row.saturating_add(1),
            Verdict::Fine | Verdict::Slow => 0,
        };
        let slice = self.slice(now);
        slice.calls = slice.calls.saturating_add(1);
        slice.bad = slice.bad.saturating_add((verdict != Verdict::Fine).into());
        self.in_a_row >= self.rules.failures_to_open || self.is_mostly_bad()
    }

    /// Forgets what went before.
    pub(crate) fn reset(&mut self) {
        self.in_a_row = 0;
        self.window.clear();
    }

    fn is_mostly_bad(&self) -> bool {
        let sum = |count: fn(&Slice) -> u32| self.window.iter().map(count).sum::<u32>();
        let (calls, bad) = (sum(|slice| slice.calls), sum(|slice| slice.bad));
        calls >= self.rules.calls && bad * 100 >= calls * self.rules.percent
    }

    /// Returns the part of the window that `now` is in; what is older than the window is dropped.
    fn slice(&mut self, now: Duration) -> &mut Slice {
        let Rules { window, .. } = self.rules;
        while self.window.front().is_some_and(|slice| slice.began + window <= now) {
            self.window.pop_front();
        }
        let length = window / Self::SLICES;
        if self.window.back().is_none_or(|slice| slice.began + length <= now) {
            self.window.push_back(Slice { began: now, calls: 0, bad: 0 });
        }
        self.window.back_mut().expect("a slice was just added")
    }
}

/// The waits between probes: exponential, with jitter so that instances do not probe in step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { next: min, max }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.next.mul_f64(crate::random::rng().random_range(0.75..=1.0));
        self.next = (self.next * 2).min(self.max);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Failed, Fine, Slow};
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(&Settings {
            failures_to_open: 3,
            failure_window: Duration::from_secs(10),
            failure_percent: 50,
            calls_to_judge: 20,
            ..Settings::default()
        })
    }

    /// Notes verdicts in turn, and returns how many it took until it opened.
    fn opens_after(every: Duration, verdicts: impl IntoIterator<Item = Verdict>) -> Option<usize> {
        let mut breaker = breaker();
        let mut now = Duration::ZERO;
        let opened = verdicts.into_iter().position(|verdict| {
            now += every;
            breaker.note(verdict, now)
        });
        opened.map(|place| place + 1)
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn it_opens_after_failures_in_a_row() {
        assert_eq!(opens_after(MS, [Failed; 5]), Some(3));
        assert_eq!(opens_after(MS, [Failed, Failed, Fine, Failed, Failed]), None);
        assert_eq!(opens_after(MS, [Failed, Failed, Slow, Failed, Failed]), None);
    }

    #[test]
    fn it_opens_when_half_of_the_calls_of_late_are_bad() {
        let alternating = || [Fine, Failed].into_iter().cycle();
        assert_eq!(opens_after(MS, alternating().take(100)), Some(20));
        assert_eq!(opens_after(MS, [Fine, Fine, Failed].into_iter().cycle().take(1000)), None);
    }

    #[test]
    fn slow_counts_as_failing() {
        assert_eq!(opens_after(MS, [Slow; 50]), Some(20));
        assert_eq!(opens_after(MS, [Slow; 19]), None);
    }

    #[test]
    fn what_is_long_past_does_not_count() {
        let second = Duration::from_secs(1);
        assert_eq!(opens_after(second, [Slow; 100]), None, "ten calls in ten seconds are too few");

        let mut breaker = breaker();
        (0..19).for_each(|_| assert!(!breaker.note(Slow, MS)));
        (0..19).for_each(|_| assert!(!breaker.note(Slow, second * 11)));
        assert!(breaker.note(Slow, second * 11));
    }

    #[test]
    fn after_a_reset_it_counts_anew() {
        let mut breaker = breaker();
        (0..19).for_each(|_| assert!(!breaker.note(Slow, MS)));
        breaker.note(Failed, MS);
        breaker.reset();

        assert!(!breaker.note(Failed, MS));
        assert!(!breaker.note(Failed, MS));
        assert!(breaker.note(Failed, MS));
    }

    #[test]
    fn waits_double_up_to_the_limit() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(300));

        let waits: Vec<_> = (0..4).map(|_| backoff.next().as_millis()).collect();

        assert!((75..=100).contains(&waits[0]), "{waits:?}");
        assert!((150..=200).contains(&waits[1]), "{waits:?}");
        assert!((225..=300).contains(&waits[3]), "{waits:?}");
    }
}
