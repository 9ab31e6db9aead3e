//! What is told in one go.

use std::time::Duration;

use super::Note;
use crate::group::Group;
use crate::key::Key;

/// Part of what is owed, to be told in one go.
#[derive(Debug)]
pub(crate) enum Page {
    Groups(Batch<Group>),
    Keys(Batch<Key>),
}

/// What is told under the same hold.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    pub(crate) all: Vec<T>,
    pub(crate) hold: Option<Duration>,
    versions: Vec<u64>,
}

impl<T: Clone> Batch<T> {
    /// Takes at most `most` of what has the same hold, and was tried as long ago, as the first: the
    /// one that is given, or else the one that was tried longest ago.
    pub(super) fn of<'a>(
        notes: impl Iterator<Item = &'a Note<T>> + Clone,
        first: Option<&Note<T>>,
        most: usize,
    ) -> Option<Self>
    where
        T: 'a,
    {
        let oldest = || notes.clone().min_by_key(|note| note.tried);
        let (hold, tried) = match first {
            Some(first) => (first.hold, first.tried),
            None => oldest().map(|note| (note.hold, note.tried))?,
        };
        let notes = notes.filter(|note| (note.hold, note.tried) == (hold, tried)).take(most);
        let (all, versions) = notes.map(|note| (note.what.clone(), note.version)).unzip();
        Some(Self { all, hold, versions })
    }

    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, (&T, u64))> {
        self.all.iter().zip(self.versions.iter().copied()).enumerate()
    }
}

impl Page {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Groups(batch) => batch.all.len(),
            Self::Keys(batch) => batch.all.len(),
        }
    }
}
