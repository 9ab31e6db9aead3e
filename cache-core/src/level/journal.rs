//! The journal: invalidations that the remote level has not been told of yet.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::group::Group;
use crate::key::Key;

/// What the remote level is owed: each key and each group once, within a bound.
///
/// Beyond the bound the whole namespace is owed instead, and takes in whatever comes after.
#[derive(Debug)]
pub(crate) struct Journal {
    keys: BTreeMap<Box<[u8]>, Note<Key>>,
    /// What moves with every tag comes before the tags.
    groups: BTreeMap<(bool, Box<[u8]>), Note<Group>>,
    all: Group,
    max: usize,
    last: u64,
}

/// One thing that is owed.
#[derive(Clone, Debug)]
struct Note<T> {
    what: T,
    hold: Option<Duration>,
    /// When it was noted last, counted up: what is noted again while it is told is owed again.
    version: u64,
}

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

impl Journal {
    /// How much is told in one go: an answer must come within `remote_timeout`.
    const PAGE: usize = 256;

    /// Creates a journal for at most `max` things; `all` stands for everything.
    pub(crate) fn new(all: Group, max: usize) -> Self {
        Self { keys: BTreeMap::new(), groups: BTreeMap::new(), all, max, last: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len() + self.groups.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.groups.is_empty()
    }

    /// Whether the end of what is under a key is owed.
    pub(crate) fn covers(&self, key: &Key) -> bool {
        let mut groups = key.groups();
        self.keys.contains_key(key.as_bytes())
            || groups.any(|group| self.groups.contains_key(&name(&group)))
    }

    /// Whether the end of one of `groups` is owed.
    pub(crate) fn covers_any(&self, groups: &[Group]) -> bool {
        groups.iter().any(|group| self.groups.contains_key(&name(group)))
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
            self.last += 1;
            let new = Note { what: key.clone(), hold, version: self.last };
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

    /// Returns what to tell next; `None` if nothing is owed.
    pub(crate) fn page(&self) -> Option<Page> {
        let groups = Batch::of(self.groups.values());
        let keys = || Batch::of(self.keys.values());
        groups.map(Page::Groups).or_else(|| keys().map(Page::Keys))
    }

    /// Takes off what has been told, but for what was noted again since.
    pub(crate) fn settle(&mut self, page: &Page, told: impl Fn(usize) -> bool) {
        match page {
            Page::Groups(batch) => batch.told(told).for_each(|(group, version)| {
                let name = name(group);
                if self.groups.get(&name).is_some_and(|note| note.version == version) {
                    self.groups.remove(&name);
                }
            }),
            Page::Keys(batch) => batch.told(told).for_each(|(key, version)| {
                let name = key.as_bytes();
                if self.keys.get(name).is_some_and(|note| note.version == version) {
                    self.keys.remove(name);
                }
            }),
        }
    }

    fn note(&mut self, group: &Group, hold: Option<Duration>) {
        self.last += 1;
        let new = Note { what: group.clone(), hold, version: self.last };
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

impl<T> Note<T> {
    fn renew(&mut self, new: &Self) {
        self.hold = self.hold.max(new.hold);
        self.version = new.version;
    }
}

impl<T: Clone> Batch<T> {
    /// Takes what has the same hold as the first.
    fn of<'a>(notes: impl Iterator<Item = &'a Note<T>>) -> Option<Self>
    where
        T: 'a,
    {
        let mut notes = notes.peekable();
        let hold = notes.peek()?.hold;
        let notes = notes.filter(|note| note.hold == hold).take(Journal::PAGE);
        let (all, versions) = notes.map(|note| (note.what.clone(), note.version)).unzip();
        Some(Self { all, hold, versions })
    }

    fn told(&self, told: impl Fn(usize) -> bool) -> impl Iterator<Item = (&T, u64)> {
        let all = self.all.iter().zip(self.versions.iter().copied()).enumerate();
        all.filter(move |(place, _)| told(*place)).map(|(_, it)| it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(b"test:", |text| text.name(name))
    }

    fn journal(max: usize) -> Journal {
        Journal::new(Group::all(b"test:"), max)
    }

    fn tag(name: &str) -> [Group; 2] {
        [Group::tag(b"test:", name.as_bytes()), Group::any_tag(b"test:")]
    }

    /// Tells page after page, and returns the sizes of them.
    fn told(journal: &mut Journal) -> Vec<usize> {
        let mut sizes = Vec::new();
        while let Some(page) = journal.page() {
            journal.settle(&page, |_| true);
            sizes.push(match page {
                Page::Groups(batch) => batch.all.len(),
                Page::Keys(batch) => batch.all.len(),
            });
        }
        sizes
    }

    #[test]
    fn each_thing_is_owed_once_and_told_in_pages() {
        let mut journal = journal(1000);
        let keys: Vec<Key> = (0..300).map(|number| key(&format!("k{number}"))).collect();

        assert!(!journal.note_keys(&keys, None));
        assert!(!journal.note_keys(&keys[..100], None));
        journal.note_groups(&tag("a"), None);
        journal.note_groups(&tag("a"), None);

        assert_eq!(journal.len(), 302);
        assert_eq!(told(&mut journal), [2, 256, 44]);
        assert!(journal.is_empty());
    }

    #[test]
    fn what_is_noted_again_while_it_is_told_stays_owed() {
        let mut journal = journal(10);
        journal.note_keys(&[key("a"), key("b")], None);
        let page = journal.page().unwrap();

        journal.note_keys(&[key("a")], None);
        journal.settle(&page, |_| true);

        assert_eq!(journal.len(), 1);
    }

    #[test]
    fn it_covers_keys_and_whatever_is_in_its_groups() {
        let mut journal = journal(10);
        let [plain, his, tagged] =
            [key("a"), key("b").user(1), key("c").tag("t")].map(|key| key.arg(7));
        journal.note_keys([&plain], None);
        assert!(journal.covers(&plain) && !journal.covers(&his));

        journal.note_groups(&[his.groups().last().unwrap()], None);
        assert!(journal.covers(&his) && !journal.covers(&tagged));

        journal.note_groups(&tag("t"), None);
        assert!(journal.covers(&tagged) && !journal.covers(&key("d")));
        assert!(journal.covers_any(&tag("t")) && !journal.covers_any(&tag("u")[..1]));
    }

    #[test]
    fn what_could_not_be_told_stays_owed() {
        let mut journal = journal(10);
        journal.note_keys(&[key("a"), key("b")], None);
        let page = journal.page().unwrap();

        journal.settle(&page, |place| place == 1);

        assert_eq!(journal.len(), 1);
    }

    #[test]
    fn too_much_is_everything_and_takes_in_the_rest() {
        let hold = Some(Duration::from_secs(3));
        let mut journal = journal(2);
        assert!(!journal.note_keys(&[key("a")], hold));
        assert!(!journal.note_keys(&[key("b")], None));

        assert!(journal.note_keys(&[key("c")], None));
        assert!(!journal.note_keys(&[key("d")], None));
        assert!(!journal.note_groups(&tag("e"), None));

        assert_eq!(journal.len(), 1);
        let Some(Page::Groups(batch)) = journal.page() else { panic!("no groups") };
        assert_eq!((batch.all[0].id(), batch.hold), (Group::all(b"test:").id(), hold));
    }

    #[test]
    fn everything_that_is_owed_again_while_it_is_told_stays_owed() {
        let mut journal = journal(0);
        journal.note_keys(&[key("a")], None);
        let page = journal.page().unwrap();

        journal.note_keys(&[key("b")], None);
        journal.settle(&page, |_| true);

        assert_eq!(journal.len(), 1);
    }

    #[test]
    fn what_moves_with_every_tag_is_told_first() {
        let mut journal = journal(10);
        journal.note_groups(&tag("a"), None);

        let Some(Page::Groups(batch)) = journal.page() else { panic!("no groups") };

        assert!(batch.all[0].is_any_tag() && batch.all.len() == 2);
    }

    #[test]
    fn the_longer_hold_counts_and_each_page_has_one() {
        let [short, long] = [1, 2].map(|seconds| Some(Duration::from_secs(seconds)));
        let mut journal = journal(10);
        journal.note_keys(&[key("a")], long);
        journal.note_keys(&[key("a"), key("b")], short);

        let Some(Page::Keys(batch)) = journal.page() else { panic!("no keys") };

        assert_eq!((batch.all.len(), batch.hold), (1, long));
        assert_eq!(told(&mut journal), [1, 1]);
    }
}
