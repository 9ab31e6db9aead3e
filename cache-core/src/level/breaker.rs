//! The breaker: leaves a remote level that is down alone.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rand::Rng;

use crate::Error;

/// Counts failures in a row and opens at a limit; whoever opens it owes it a probe.
#[derive(Debug)]
pub(crate) struct Breaker {
    limit: u32,
    failures: AtomicU32,
    open: AtomicBool,
    problem: Mutex<Option<Error>>,
}

impl Breaker {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            failures: AtomicU32::new(0),
            open: AtomicBool::new(false),
            problem: Mutex::default(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Notes an answer. A late one does not close an open breaker: only the probe does.
    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 && !self.is_open() {
            self.failures.store(0, Ordering::Relaxed);
            *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Notes a failure; true if this one opened the breaker.
    pub(crate) fn failed(&self, error: Error) -> bool {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        failures >= self.limit && !self.open.swap(true, Ordering::AcqRel)
    }

    /// Lets no calls through, without owing a probe.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Lets calls through again.
    pub(crate) fn close(&self) {
        self.failures.store(0, Ordering::Relaxed);
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.open.store(false, Ordering::Release);
    }

    /// Returns the last failure, while there has been no success since.
    pub(crate) fn problem(&self) -> Option<Error> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The waits between probes: exponential, with jitter so that instances do not probe in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { next: min, max }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.next.mul_f64(rand::rng().random_range(0.75..=1.0));
        self.next = (self.next * 2).min(self.max);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn failure() -> Error {
        Error::new(ErrorKind::Backend, "refused")
    }

    #[test]
    fn it_opens_at_the_limit_and_once() {
        let breaker = Breaker::new(3);

        let opened: Vec<_> = (0..5).map(|_| breaker.failed(failure())).collect();

        assert_eq!(opened, [false, false, true, false, false]);
        assert!(breaker.is_open());
        assert!(breaker.problem().is_some());
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let breaker = Breaker::new(2);

        breaker.failed(failure());
        breaker.succeeded();
        breaker.failed(failure());

        assert!(!breaker.is_open());
    }

    #[test]
    fn only_closing_ends_an_outage() {
        let breaker = Breaker::new(1);
        breaker.failed(failure());

        breaker.succeeded();
        assert!(breaker.is_open());
        breaker.close();
        assert!(!breaker.is_open());
        assert!(breaker.problem().is_none());
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
