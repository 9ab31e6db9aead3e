//! A clock that moves when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;

/// A clock that stands still until it is told to move. `Clone` clones the handle.
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    hands: Arc<Hands>,
}

#[derive(Debug, Default)]
struct Hands {
    monotonic_ms: AtomicU64,
    wall_offset_ms: AtomicI64,
}

impl ManualClock {
    /// The wall time at which every manual clock starts, 2026-01-01, in milliseconds.
    const EPOCH_MS: i64 = 1_767_225_600_000;

    /// Creates a clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets time pass, in whole milliseconds.
    pub fn advance(&self, by: Duration) {
        self.hands.monotonic_ms.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// Sets the wall clock forward, as an administrator would; the monotonic time stays.
    pub fn step_forward(&self, by: Duration) {
        self.step(i64::try_from(millis(by)).unwrap_or(i64::MAX));
    }

    /// Sets the wall clock back; the monotonic time stays.
    pub fn step_back(&self, by: Duration) {
        self.step(-i64::try_from(millis(by)).unwrap_or(i64::MAX));
    }

    fn step(&self, ms: i64) {
        self.hands.wall_offset_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.hands.monotonic_ms.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Duration {
        let offset =
            Self::EPOCH_MS.saturating_add(self.hands.wall_offset_ms.load(Ordering::SeqCst));
        self.monotonic() + Duration::from_millis(u64::try_from(offset).unwrap_or_default())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
