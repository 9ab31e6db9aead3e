//! A clock of this machine that can be set wrong.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cache_aside::{Clock, SystemClock};

/// The clock of this machine, but for the time of day.
#[derive(Debug, Default)]
pub(super) struct WrongClock {
    behind_ms: AtomicU64,
}

impl WrongClock {
    /// Sets how far behind the time of day is.
    pub(super) fn set_behind(&self, by: Duration) {
        self.behind_ms.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

impl Clock for WrongClock {
    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    fn wall(&self) -> Duration {
        SystemClock.wall() - Duration::from_millis(self.behind_ms.load(Ordering::SeqCst))
    }
}
