//! The pauses between attempts to connect.

use std::time::Duration;

use rand::Rng;

/// The pauses between attempts: each twice the last up to a limit, less a random part of it.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Short, because most outages are a restart.
    const FIRST: Duration = Duration::from_millis(50);
    /// Recovery takes no longer than this, and two attempts a second burden nobody.
    pub(crate) const LONGEST: Duration = Duration::from_millis(500);
    /// Sentinels may name a server that works at any moment, and are asked often anyway.
    pub(crate) const LONGEST_BY_SENTINELS: Duration = Duration::from_millis(250);

    pub(crate) fn new(longest: Duration) -> Self {
        Self { next: Self::FIRST, longest }
    }

    /// Returns how long to wait now. Random, so that instances do not return in step.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next.mul_f64(rand::rng().random_range(0.5..=1.0));
        self.next = (self.next * 2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_second_and_differ() {
        let pauses = |_| {
            let mut backoff = Backoff::new(Backoff::LONGEST);
            std::array::from_fn::<_, 10, _>(|_| backoff.pause().as_micros())
        };

        let runs: [_; 20] = std::array::from_fn(pauses);

        for run in runs {
            assert!((25_000..=50_000).contains(&run[0]), "{run:?}");
            assert!((50_000..=100_000).contains(&run[1]), "{run:?}");
            assert!((250_000..=500_000).contains(&run[9]), "{run:?}");
        }
        assert!(runs.iter().any(|run| run != &runs[0]), "the jitter is not random");
    }
}
