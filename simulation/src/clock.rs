//! The clocks of an instance: both go with virtual time, and one is stepped.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use cache_aside::Clock;
use tokio::time::Instant;

/// The clocks of an instance.
#[derive(Debug)]
pub(crate) struct SteppedClock {
    start: Instant,
    offset_ms: AtomicI64,
}

impl SteppedClock {
    const EPOCH_MS: i64 = 1_767_225_600_000;

    pub(crate) fn new(start: Instant) -> Self {
        Self { start, offset_ms: AtomicI64::new(0) }
    }

    /// Sets the wall clock forward, or back.
    pub(crate) fn step(&self, ms: i64) {
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for SteppedClock {
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> Duration {
        let offset = Self::EPOCH_MS + self.offset_ms.load(Ordering::Relaxed);
        self.monotonic() + Duration::from_millis(u64::try_from(offset).unwrap_or_default())
    }
}
