//! Where the time comes from.

use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

/// Tells the time. Tests give a manual one.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the time since some fixed moment; never goes back. Ages and expiry use this one.
    fn monotonic(&self) -> Duration;

    /// Returns the time since the Unix epoch. Only what other processes read uses this one.
    fn wall(&self) -> Duration;
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        START.elapsed()
    }

    fn wall(&self) -> Duration {
        SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
    }
}
