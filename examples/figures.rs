//! Durations in order, and figures as words.

use std::time::Duration;

/// Durations in order.
#[derive(Debug)]
pub struct Sorted(Vec<Duration>);

impl Sorted {
    /// Puts durations in order.
    pub fn new(durations: impl Iterator<Item = Duration>) -> Self {
        let mut durations: Vec<Duration> = durations.collect();
        durations.sort_unstable();
        Self(durations)
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the duration that `percent` of them did not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let index = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }

    /// Returns the longest.
    pub fn max(&self) -> Duration {
        self.percentile(100)
    }
}

/// Writes a duration in the unit that suits it.
pub fn shown(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..10.0 => format!("{micros:.1} µs"),
        ..1_000.0 => format!("{micros:.0} µs"),
        ..1_000_000.0 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

/// Writes a number with its thousands apart.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}
