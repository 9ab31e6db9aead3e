//! The time of a simulated day.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cache_aside::{Clock, SystemClock};

/// A clock that the requests move on, so that TTLs expire as they would in a real day.
///
/// `Clone` clones the handle.
#[derive(Clone, Debug)]
pub struct DayClock {
    midnight: Duration,
    millis: Arc<AtomicU64>,
}

impl DayClock {
    /// Creates a clock that begins a day now.
    pub fn start() -> Self {
        Self { midnight: SystemClock.wall(), millis: Arc::default() }
    }

    /// Moves to a time of the day; an earlier one than now changes nothing.
    pub fn advance_to(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.millis.fetch_max(millis, Ordering::Relaxed);
    }
}

impl Clock for DayClock {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }

    fn wall(&self) -> Duration {
        self.midnight + self.monotonic()
    }
}
