//! Generations that are known here, so that a remote hit need not ask for them.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::remote::Generations;
use crate::engine::fence::Fences;
use crate::group::{Generation, Group};

/// How many generations are kept. Groups that share a place take turns.
const PLACES: usize = 1 << 13;

/// The generations of groups that were asked for lately, while news of them are told.
pub(super) struct Numbers {
    places: Box<[Mutex<Option<Known>>]>,
}

/// A generation, and where its group stood before it was read.
#[derive(Clone, Copy)]
struct Known {
    group: u64,
    number: u64,
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
        let number = |group: &Group| {
            let id = group.id();
            let known = (*self.place(id))?;
            let is_current = known.group == id && known.stand == fences.group_stand(group);
            is_current.then_some((id, known.number))
        };
        groups.iter().map(number).collect()
    }

    /// Keeps generations that were read after `stands` was noted.
    pub(super) fn keep(&self, groups: &[Group], stands: &Stands, generations: &[Generation]) {
        for ((group, stand), generation) in groups.iter().zip(stands).zip(generations) {
            let group = group.id();
            *self.place(group) = Some(Known { group, number: generation.number(), stand: *stand });
        }
    }

    fn place(&self, group: u64) -> std::sync::MutexGuard<'_, Option<Known>> {
        let place = &self.places[(group % PLACES as u64) as usize];
        place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Numbers")
    }
}
