//! An invalidation under way, and what becomes of it if it is not told.

use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use super::phase::{Event, Phase};
use crate::group::Group;
use crate::key::Key;
use crate::{Error, ErrorKind, Result};

/// An invalidation under way: what the remote level has not been told of at its end is owed to it.
///
/// # Cancellation
///
/// A writer dropped half-way owes all of it.
pub(crate) struct Debt<'a> {
    gate: &'a Arc<Gate>,
    open: Open<'a>,
    hold: Option<Duration>,
}

/// What is not told yet.
enum Open<'a> {
    Groups(&'a [Group]),
    Keys(Vec<&'a Key>),
}

impl<'a> Debt<'a> {
    pub(super) fn of_keys(gate: &'a Arc<Gate>, keys: &'a [Key], hold: Option<Duration>) -> Self {
        Self { gate, open: Open::Keys(keys.iter().collect()), hold }
    }

    pub(super) fn of_groups(
        gate: &'a Arc<Gate>,
        groups: &'a [Group],
        hold: Option<Duration>,
    ) -> Self {
        Self { gate, open: Open::Groups(groups), hold }
    }

    /// Takes off what has been told, and owes the rest; says why it was not told.
    ///
    /// # Errors
    ///
    /// The cause, if something is owed.
    pub(crate) fn settle(mut self, told: Vec<Result<()>>) -> Result<()> {
        match &mut self.open {
            Open::Groups(groups) if told.iter().all(Result::is_ok) => *groups = &[],
            Open::Groups(_) => {}
            Open::Keys(keys) => {
                let mut open = told.iter().map(Result::is_err);
                keys.retain(|_| open.next().unwrap_or(true));
            }
        }
        told.into_iter().collect()
    }
}

impl Drop for Debt<'_> {
    fn drop(&mut self) {
        let is_open = match &self.open {
            Open::Groups(groups) => !groups.is_empty(),
            Open::Keys(keys) => !keys.is_empty(),
        };
        if is_open {
            self.gate.owe(&self.open, self.hold);
        }
    }
}

impl Gate {
    /// Notes what the remote level has not been told, so that it is before what ended is read again.
    fn owe(self: &Arc<Self>, open: &Open<'_>, hold: Option<Duration>) {
        let mut standing = self.standing();
        if standing.phase() == Phase::Closed {
            return;
        }
        let is_over = match open {
            Open::Groups(groups) => standing.journal.note_groups(groups, hold),
            Open::Keys(keys) => standing.journal.note_keys(keys.iter().copied(), hold),
        };
        self.note_owed(&standing);
        if is_over {
            self.counters.note(crate::stats::Event::JournalOverflowed { backend: &*self.backend });
        }
        self.apply(&mut standing, Event::Owed);
    }

    /// Fails if nothing is owed to anybody any more, as the cache is closed.
    pub(super) fn can_owe(&self) -> Result<()> {
        match self.standing().phase() {
            Phase::Closed => Err(Error::new(ErrorKind::Backend, "the cache is closed")),
            _ => Ok(()),
        }
    }
}
