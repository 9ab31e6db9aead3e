//! What to do with what was found. Pure: no clock, no I/O, no locks.

use std::time::Duration;

/// How long an entry may be served, counted from its creation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Window {
    pub(crate) fresh: Duration,
}

/// The next step of a look-up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Answer with the entry, which stays fresh for `left`.
    Serve {
        /// How long the entry stays fresh.
        left: Duration,
    },
    /// Ask the loader.
    Load,
}

/// Chooses the next step for an entry of the given age; `None` means nothing was found.
pub(crate) fn decide(age: Option<Duration>, window: Window) -> Action {
    match age.and_then(|age| window.fresh.checked_sub(age)) {
        Some(left) if !left.is_zero() => Action::Serve { left },
        _ => Action::Load,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_served_until_its_last_millisecond() {
        let (window, ms) = (Window { fresh: Duration::from_secs(1) }, Duration::from_millis);

        assert_eq!(decide(Some(ms(0)), window), Action::Serve { left: ms(1000) });
        assert_eq!(decide(Some(ms(999)), window), Action::Serve { left: ms(1) });
        assert_eq!(decide(Some(ms(1000)), window), Action::Load);
        assert_eq!(decide(Some(Duration::MAX), window), Action::Load);
        assert_eq!(decide(None, window), Action::Load);
    }
}
