//! One turn of a server's loop: what changed in it is told at its end.

use std::collections::BTreeMap;

use super::{Author, Name};

/// A change of what is stored under one name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// The connection that is not told, as it made the change itself.
    pub(crate) author: Author,
    /// Whether what was there has ended, and nothing that was loaded before may come back.
    pub(crate) ends: bool,
}

/// What changed in one turn. Of several changes under one name only the last one counts.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    changes: BTreeMap<Name, Change>,
    ended: Vec<Name>,
    is_flushed: bool,
}

impl Turn {
    pub(super) fn changed(&mut self, name: &Name, change: Option<Change>) {
        let Some(change) = change else { return };
        let ends = change.ends || self.changes.get(name).is_some_and(|before| before.ends);
        self.changes.insert(name.clone(), Change { ends, ..change });
    }

    pub(super) fn ended(&mut self, name: &Name) {
        self.ended.push(name.clone());
    }

    /// Notes that what was under a name is no more, and that nobody of us saw to that. A group's
    /// number that is lost ends nothing: it costs misses.
    pub(super) fn lost(&mut self, name: &Name) {
        let ends = !name.starts_with(b"sim:!");
        self.changed(name, Some(Change { author: None, ends }));
        if ends {
            self.ended(name);
        }
    }

    pub(super) fn flushed(&mut self) {
        self.is_flushed = true;
    }

    /// Takes the names of what has ended since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<Name> {
        std::mem::take(&mut self.ended)
    }

    pub(crate) fn is_flushed(&self) -> bool {
        self.is_flushed
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.is_flushed && self.changes.is_empty()
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = (&Name, Change)> {
        self.changes.iter().map(|(name, change)| (name, *change))
    }
}
