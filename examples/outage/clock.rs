//! The time since traffic began.

use std::time::{Duration, Instant};

/// Everything that is recorded goes by the same clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// Something that began at a time and took a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) at: Duration,
    pub(crate) took: Duration,
}

impl Timed {
    /// Notes what began at `at` and ends now.
    pub(crate) fn since(at: Duration, clock: Clock) -> Self {
        Self { at, took: clock.now() - at }
    }

    pub(crate) fn end(self) -> Duration {
        self.at + self.took
    }
}
