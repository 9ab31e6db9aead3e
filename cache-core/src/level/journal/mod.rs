//! The journal: invalidations that the remote level has not been told of yet.

mod page;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use page::{Batch, Page};

use crate::group::Group;
use crate::key::Key;

/// What the remote level is owed: each key and each group once, within a bound.
///
/// Beyond the bound the whole namespace is owed instead, and takes in whatever comes after. It is told
/// in rounds: in each, everything is tried once, what was tried longest ago first, so that what
/// cannot be told does not stand in the way of the rest.
pub(crate) struct Journal {
    keys: BTreeMap<Box<[u8]>, Note<Key>>,
    /// What moves with every tag comes before the tags.
    groups: BTreeMap<(bool, Box<[u8]>), Note<Group>>,
    all: Group,
    max: usize,
    last: u64,
    round: u64,
    page: usize,
}

/// One thing that is owed.
#[derive(Clone, Debug)]
struct Note<T> {
    what: T,
    hold: Option<Duration>,
    /// Until when nothing of it is kept.
    held_until: Option<Instant>,
    /// Its number, counted up: what is noted again while it is told is owed again.
    version: u64,
    /// The round in which it was tried last.
    tried: u64,
}

/// How far something is covered by what is owed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Cover {
    None,
    /// What the remote level has of it has ended.
    Ended,
    /// And nothing of it may be kept for now.
    Held,
}

impl Journal {
    /// The most that is told in one go.
    const PAGE: usize = 256;

    /// Creates a journal for at most `max` things; `all` stands for everything.
    pub(crate) fn new(all: Group, max: usize) -> Self {
        let (keys, groups) = (BTreeMap::new(), BTreeMap::new());
        Self { keys, groups, all, max, last: 0, round: 0, page: Self::PAGE }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len() + self.groups.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.groups.is_empty()
    }

    /// Returns how far what is under a key is covered.
    pub(crate) fn covers(&self, key: &Key) -> Cover {
        let by_key = self.keys.get(key.as_bytes()).map_or(Cover::None, Note::cover);
        let groups = key.groups().map(|group| self.cover_of(&group));
        groups.fold(by_key, Cover::max)
    }

    /// Whether the end of one of `groups` is owed.
    pub(crate) fn covers_any(&self, groups: &[Group]) -> bool {
        groups.iter().any(|group| self.cover_of(group) != Cover::None)
    }

    fn cover_of(&self, group: &Group) -> Cover {
        self.groups.get(&name(group)).map_or(Cover::None, Note::cover)
    }

    /// Notes keys; true if that was too much, and everything is owed now.
    pub(crate) fn note_keys<'a>(
        &mut self,
        keys: impl IntoIterator<Item = &'a Key>,
        hold: Option<Duration>,
    ) -> bool {
        let mut is_over = false;
        for key in keys {
            if self.is_all_owed() {
                self.note(&self.all.clone(), hold);
                continue;
            }
            let new = self.new_note(key.clone(), hold);
            self.keys.entry(key.as_bytes().into()).and_modify(|it| it.renew(&new)).or_insert(new);
            is_over |= self.cut();
        }
        is_over
    }

    /// Notes groups; true if that was too much, and everything is owed now.
    pub(crate) fn note_groups(&mut self, groups: &[Group], hold: Option<Duration>) -> bool {
        let mut is_over = false;
        for group in groups {
            let owed = if self.is_all_owed() { self.all.clone() } else { group.clone() };
            self.note(&owed, hold);
            is_over |= self.cut();
        }
        is_over
    }

    /// Begins a round: everything is tried once more.
    pub(crate) fn begin_round(&mut self) {
        self.round += 1;
    }

    /// Returns what to tell next; `None` if everything was tried in this round.
    pub(crate) fn page(&self) -> Option<Page> {
        let first = self.groups.first_key_value().map(|(_, note)| note);
        let any_tag = first.filter(|note| note.what.is_any_tag());
        // A tag's number must not move before the one that moves with every tag.
        let is_open = |note: &&Note<Group>| {
            note.tried < self.round
                && (any_tag.is_none_or(|it| it.tried < self.round) || !note.what.is_tag())
        };
        let first = any_tag.filter(|note| note.tried < self.round);
        let groups = Batch::of(self.groups.values().filter(is_open), first, self.page);
        let keys = || {
            let open = self.keys.values().filter(|note| note.tried < self.round);
            Batch::of(open, None, self.page)
        };
        groups.map(Page::Groups).or_else(|| keys().map(Page::Keys))
    }

    /// Takes off what has been told, but for what was noted again since.
    pub(crate) fn settle(&mut self, page: &Page, told: impl Fn(usize) -> bool) {
        let round = self.round;
        match page {
            Page::Groups(batch) => {
                for (place, (group, version)) in batch.numbered() {
                    take_off(&mut self.groups, name(group), version, told(place), round);
                }
            }
            Page::Keys(batch) => {
                for (place, (key, version)) in batch.numbered() {
                    take_off(&mut self.keys, key.as_bytes().into(), version, told(place), round);
                }
            }
        }
    }

    /// Tells less in one go if that took too long, and more if it did not.
    pub(crate) fn resize(&mut self, was_late: bool) {
        self.page = if was_late { self.page / 2 } else { self.page * 2 }.clamp(1, Self::PAGE);
    }

    fn new_note<T>(&mut self, what: T, hold: Option<Duration>) -> Note<T> {
        self.last += 1;
        let held_until = hold.map(|hold| Instant::now() + hold);
        Note { what, hold, held_until, version: self.last, tried: 0 }
    }

    fn note(&mut self, group: &Group, hold: Option<Duration>) {
        let new = self.new_note(group.clone(), hold);
        self.groups.entry(name(group)).and_modify(|it| it.renew(&new)).or_insert(new);
    }

    fn is_all_owed(&self) -> bool {
        self.groups.contains_key(&name(&self.all))
    }

    /// Owes everything instead of too much, for as long as any part of it is to be held.
    fn cut(&mut self) -> bool {
        if self.len() <= self.max {
            return false;
        }
        let holds = self.keys.values().map(|note| note.hold);
        let hold = holds.chain(self.groups.values().map(|note| note.hold)).max().flatten();
        self.keys.clear();
        self.groups.clear();
        self.note(&self.all.clone(), hold);
        true
    }
}

fn name(group: &Group) -> (bool, Box<[u8]>) {
    (!group.is_any_tag(), group.as_bytes().into())
}

/// Takes a note off if it was told and not noted again since.
fn take_off<K: Ord, T>(
    notes: &mut BTreeMap<K, Note<T>>,
    name: K,
    version: u64,
    told: bool,
    round: u64,
) {
    let Entry::Occupied(mut entry) = notes.entry(name) else { return };
    if told && entry.get().version == version {
        entry.remove();
    } else if !told {
        entry.get_mut().tried = round;
    }
}

impl<T> Note<T> {
    fn renew(&mut self, new: &Self) {
        self.hold = self.hold.max(new.hold);
        self.held_until = self.held_until.max(new.held_until);
        self.version = new.version;
    }

    fn cover(&self) -> Cover {
        match self.held_until {
            Some(until) if Instant::now() < until => Cover::Held,
            _ => Cover::Ended,
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal({} owed)", self.len())
    }
}
