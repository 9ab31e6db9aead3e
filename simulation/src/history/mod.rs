//! A history: who does what when, and how the network is meanwhile.

mod deed;
mod draw;
mod sentence;
mod weather;

pub(crate) use deed::{Back, Deed, Fate, Load, Loading, Meddling, Side};
pub(crate) use weather::Weather;

/// The letters by which instances are called.
const LETTERS: [char; 4] = ['a', 'b', 'c', 'd'];

/// An instance, by its place.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Who(pub(crate) usize);

impl Who {
    pub(crate) fn letter(self) -> char {
        LETTERS[self.0 % LETTERS.len()]
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// A history: the weather, and steps in their order.
#[derive(Clone, Debug)]
pub struct History {
    pub(crate) seed: u64,
    pub(crate) weather: Weather,
    pub(crate) steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    /// How long after the step before, in milliseconds.
    pub(crate) after: u64,
    pub(crate) deed: Deed,
}

impl History {
    /// Returns the seed that it was drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns this history with instances that do not listen, to see that found.
    #[must_use]
    pub fn muted(mut self) -> Self {
        self.weather.is_mute = true;
        self
    }

    /// Returns how many steps it has.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }
}
