//! What to do with what was found. Pure: no clock, no I/O, no locks.

use std::time::Duration;

/// How long an entry may be served, counted from its creation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Window {
    pub(crate) fresh: Duration,
    /// At least `fresh`.
    pub(crate) stale: Duration,
}

/// The next step of a look-up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Answer with the entry.
    Serve(Left),
    /// Answer with the entry, and ask the loader again.
    ServeStale(Left),
    /// Ask the loader.
    Load,
}

/// How much longer an entry may be served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Left {
    /// Zero for one that is stale.
    pub(crate) fresh: Duration,
    pub(crate) stale: Duration,
}

impl Left {
    /// Returns what is left of it for a copy that is kept no longer than `longest`.
    pub(crate) fn at_most(self, longest: Duration) -> Self {
        Self { fresh: self.fresh.min(longest), stale: self.stale.min(longest) }
    }
}

/// Chooses the next step for an entry of the given age; `None` means nothing was found.
pub(crate) fn decide(age: Option<Duration>, window: Window) -> Action {
    let Some(age) = age else { return Action::Load };
    let left = |until: Duration| until.saturating_sub(age);
    let left = Left { fresh: left(window.fresh), stale: left(window.stale.max(window.fresh)) };
    match (left.fresh.is_zero(), left.stale.is_zero()) {
        (false, _) => Action::Serve(left),
        (true, false) => Action::ServeStale(left),
        (true, true) => Action::Load,
    }
}

/// How long before the end of its fresh time a value may be refreshed, if its load took `cost`.
///
/// `XFetch` ("Optimal Probabilistic Cache Stampede Prevention", Vattani, Chierichetti, Lowenstein,
/// VLDB 2015): each call draws a time from an exponential distribution of mean `beta * cost`, and
/// refreshes if that is not less than what is left. This is the longest time that is drawn: beyond
/// it lies one draw in a million, and so outside of it nobody need draw at all.
pub(crate) fn early(cost: Duration, beta: f64) -> Duration {
    Duration::try_from_secs_f64(cost.as_secs_f64() * beta * LONGEST).unwrap_or_default()
}

/// Whether a call refreshes a value of which `left` is left, within its `early` time; `chance` lies
/// between 0 and 1.
pub(crate) fn is_early(left: Duration, early: Duration, chance: f64) -> bool {
    let drawn = -(chance.max(f64::MIN_POSITIVE).ln()) / LONGEST;
    early.mul_f64(drawn.min(1.0)) >= left
}

/// The natural logarithm of a million.
const LONGEST: f64 = 13.815_510_557_964_274;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn an_entry_is_served_until_its_last_millisecond() {
        let window = Window { fresh: ms(1000), stale: ms(1500) };
        let left = |fresh, stale| Left { fresh: ms(fresh), stale: ms(stale) };

        assert_eq!(decide(Some(ms(0)), window), Action::Serve(left(1000, 1500)));
        assert_eq!(decide(Some(ms(999)), window), Action::Serve(left(1, 501)));
        assert_eq!(decide(Some(ms(1000)), window), Action::ServeStale(left(0, 500)));
        assert_eq!(decide(Some(ms(1499)), window), Action::ServeStale(left(0, 1)));
        assert_eq!(decide(Some(ms(1500)), window), Action::Load);
        assert_eq!(decide(Some(Duration::MAX), window), Action::Load);
        assert_eq!(decide(None, window), Action::Load);
    }

    #[test]
    fn an_entry_that_says_it_is_stale_before_it_is_fresh_is_fresh() {
        let window = Window { fresh: ms(1000), stale: ms(10) };

        assert_eq!(
            decide(Some(ms(999)), window),
            Action::Serve(Left { fresh: ms(1), stale: ms(1) })
        );
        assert_eq!(decide(Some(ms(1000)), window), Action::Load);
    }

    #[test]
    fn a_refresh_comes_the_likelier_the_closer_the_end_and_the_dearer_the_load() {
        let early = early(ms(100), 1.0);
        assert_eq!(early.as_millis(), 1381);

        // A draw of 1/e is one mean, the cost of the load.
        let mean = (-1.0_f64).exp();
        assert!(is_early(ms(99), early, mean) && !is_early(ms(101), early, mean));
        assert!(is_early(early, early, 1e-7) && !is_early(ms(1), early, 0.999));
        let share =
            |left| (1..1000).filter(|it| is_early(left, early, f64::from(*it) / 1e3)).count();
        assert_eq!((share(ms(100)), share(ms(200)), share(ms(300))), (367, 135, 49));
    }

    #[test]
    fn nothing_is_refreshed_early_that_cost_nothing_or_is_not_to_be() {
        assert_eq!(early(Duration::ZERO, 1.0), Duration::ZERO);
        assert_eq!(early(ms(100), 0.0), Duration::ZERO);
        assert_eq!(early(Duration::MAX, f64::MAX), Duration::ZERO);
        assert!(!is_early(ms(1), Duration::ZERO, 0.0));
    }
}
