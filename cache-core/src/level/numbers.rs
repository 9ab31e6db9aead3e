//! Generations that are known here, so that a remote hit need not ask for them.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use crate::engine::fence::Fences;
use crate::group::{Generation, Group};

/// How many generations are kept. Groups that share a place take turns.
const PLACES: usize = 1 << 13;

/// Groups and their numbers, as an envelope carries them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Generations {
    numbers: SmallVec<[(u64, u64); 4]>,
    is_held: bool,
}

impl Generations {
    /// Returns the id and the number of each group.
    pub(crate) fn numbers(&self) -> &[(u64, u64)] {
        &self.numbers
    }

    /// Takes the last number off.
    pub(super) fn pop(&mut self) -> Option<(u64, u64)> {
        self.numbers.pop()
    }

    /// Adds those of more groups.
    pub(super) fn extend(&mut self, more: &Self) {
        self.numbers.extend_from_slice(&more.numbers);
        self.is_held |= more.is_held;
    }

    /// Whether nothing of one of the groups may be kept for now.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }
}

impl FromIterator<(u64, Generation)> for Generations {
    fn from_iter<I: IntoIterator<Item = (u64, Generation)>>(groups: I) -> Self {
        let mut all = Self::default();
        for (group, generation) in groups {
            all.numbers.push((group, generation.number()));
            all.is_held |= generation.is_held();
        }
        all
    }
}

/// The generations of groups that were asked for lately, while news of them are told.
pub(super) struct Numbers {
    places: Box<[Mutex<Option<Known>>]>,
}

/// A generation, and where its group stood before it was read.
#[derive(Clone, Copy)]
struct Known {
    group: u64,
    generation: Generation,
    stand: (u64, u64),
}

/// Where groups stood at one moment.
pub(super) type Stands = Vec<(u64, u64)>;

impl Numbers {
    pub(super) fn new() -> Self {
        Self { places: (0..PLACES).map(|_| Mutex::default()).collect() }
    }

    /// Returns the generations of `groups` if all are known and none has changed since.
    pub(super) fn of(&self, groups: &[Group], fences: &Fences) -> Option<Generations> {
        let generation = |group: &Group| {
            let id = group.id();
            let known = (*self.place(id))?;
            let is_current = known.group == id && known.stand == fences.group_stand(group);
            is_current.then_some((id, known.generation))
        };
        groups.iter().map(generation).collect()
    }

    /// Keeps generations that were read after `stands` was noted.
    pub(super) fn keep(&self, groups: &[Group], stands: &Stands, generations: &[Generation]) {
        for ((group, stand), generation) in groups.iter().zip(stands).zip(generations) {
            let (group, generation, stand) = (group.id(), *generation, *stand);
            *self.place(group) = Some(Known { group, generation, stand });
        }
    }

    fn place(&self, group: u64) -> MutexGuard<'_, Option<Known>> {
        let place = &self.places[(group % PLACES as u64) as usize];
        place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbers")
    }
}
