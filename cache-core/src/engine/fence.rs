//! Fences: what makes a load that began before an invalidation worthless.

use std::fmt;

use smallvec::SmallVec;

use crate::group::Group;
use crate::key::{Key, local_hash};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use crate::sync::many;

const KEY_STRIPES: usize = many(1 << 16);
const GROUP_STRIPES: usize = many(1 << 14);

/// How far a key's stripe moves with a change that this instance makes. News move it by one, and may
/// be echoes; this is more than all echoes that anybody expects.
const OWN: u64 = 1 << 32;

/// Counters that move with every invalidation that this instance makes or hears of.
///
/// Keys and groups are hashed to stripes. Two that share a stripe cost each other a false miss,
/// never a stale answer. Stripes of keys stop loads under way: what is stored already is removed.
/// Groups are too large for that, so entries are checked against their stripes when they are
/// served; `clock` moves with every group, so that one load tells that none moved.
pub(crate) struct Fences {
    keys: Box<[AtomicU64]>,
    groups: Box<[AtomicU64]>,
    epoch: AtomicU64,
    clock: AtomicU64,
}

impl Fences {
    pub(crate) fn new() -> Self {
        let stripes = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            keys: stripes(KEY_STRIPES),
            groups: stripes(GROUP_STRIPES),
            epoch: AtomicU64::new(0),
            clock: AtomicU64::new(0),
        }
    }

    /// Notes where the counters stand. Must come before the first look at the remote level.
    pub(crate) fn snapshot(&self, key: &Key) -> Snapshot {
        // The clock first: read after the marks, it could hide a group that moved in between.
        let clock = self.clock.load(Ordering::SeqCst);
        let marks = key.groups().map(|group| self.mark(&group)).collect();
        let any_tag = self.mark(&Group::any_tag(key.prefix()));
        let stripe = stripe(key.local_hash(), KEY_STRIPES);
        let count = self.keys[stripe as usize].load(Ordering::SeqCst);
        let epoch = self.epoch.load(Ordering::SeqCst);
        Snapshot {
            stripe,
            count: AtomicU64::new(count),
            echoes: AtomicU64::new(0),
            epoch,
            marks,
            any_tag,
            checked: AtomicU64::new(clock),
            loading: AtomicBool::new(false),
        }
    }

    /// Whether nothing that `snapshot` covers was invalidated since: neither its key nor a group.
    pub(crate) fn hold(&self, snapshot: &Snapshot) -> bool {
        // What the caller stored before it asks must be visible to whoever bumps afterwards.
        fence(Ordering::SeqCst);
        self.moved(snapshot) == 0 && self.groups_hold(snapshot)
    }

    /// As [`hold`](Self::hold), where the echoes that are expected may have been heard or not.
    pub(crate) fn hold_but_for_echoes(&self, snapshot: &Snapshot) -> bool {
        self.moved(snapshot) <= snapshot.echoes() && self.groups_hold(snapshot)
    }

    /// Returns how often news of the key's stripe were heard since; far more if this instance changed
    /// something.
    pub(crate) fn moved(&self, snapshot: &Snapshot) -> u64 {
        let now = self.keys[snapshot.stripe as usize].load(Ordering::SeqCst);
        now.wrapping_sub(snapshot.count.load(Ordering::SeqCst))
    }

    /// Whether no group that `snapshot` covers was invalidated since.
    pub(crate) fn groups_hold(&self, snapshot: &Snapshot) -> bool {
        let clock = self.clock.load(Ordering::SeqCst);
        if clock == snapshot.checked.load(Ordering::Relaxed) {
            return true;
        }
        let still =
            |mark: &Mark| self.groups[mark.stripe as usize].load(Ordering::SeqCst) == mark.count;
        let epoch = self.epoch.load(Ordering::SeqCst);
        let holds = epoch == snapshot.epoch && snapshot.marks.iter().all(still);
        if holds {
            snapshot.checked.store(clock, Ordering::Relaxed);
        }
        holds
    }

    /// Whether a tag was invalidated since, whichever.
    pub(crate) fn any_tag_moved(&self, snapshot: &Snapshot) -> bool {
        let Mark { stripe, count } = snapshot.any_tag;
        self.groups[stripe as usize].load(Ordering::SeqCst) != count
    }

    /// Notes where groups stand that are found to be an entry's.
    pub(crate) fn marks(&self, groups: &[Group]) -> Marks {
        groups.iter().map(|group| self.mark(group)).collect()
    }

    /// Makes every snapshot of `key` taken so far worthless, however many echoes it expects.
    ///
    /// To be followed by the removal of what is stored under the key.
    pub(crate) fn bump_key(&self, key: &[u8]) {
        self.move_key(key, OWN);
    }

    /// As [`bump_key`](Self::bump_key), for news, which may be an echo.
    pub(crate) fn bump_key_heard(&self, key: &[u8]) {
        self.move_key(key, 1);
    }

    /// Bumps `key` and moves `snapshot` along; false, and the snapshot stays worthless, if others
    /// bumped it since it was taken.
    pub(crate) fn bump_key_of(&self, key: &Key, snapshot: &Snapshot) -> bool {
        let stripe = stripe(key.local_hash(), KEY_STRIPES);
        let before = self.keys[stripe as usize].fetch_add(OWN, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let moved = snapshot.count.compare_exchange(
            before,
            before.wrapping_add(OWN),
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        moved.is_ok()
    }

    /// Makes every snapshot of every key of `group` taken so far worthless.
    pub(crate) fn bump_group(&self, group: &[u8]) {
        let stripe = stripe(local_hash(group), GROUP_STRIPES);
        self.groups[stripe as usize].fetch_add(1, Ordering::SeqCst);
        // The clock last: moved first, a reader could see it and still find the old mark.
        self.clock.fetch_add(1, Ordering::SeqCst);
    }

    /// Makes every snapshot taken so far worthless.
    pub(crate) fn bump_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.clock.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes where one group stands, and the epoch.
    pub(crate) fn group_stand(&self, group: &Group) -> (u64, u64) {
        (self.mark(group).count, self.epoch.load(Ordering::SeqCst))
    }

    fn move_key(&self, key: &[u8], by: u64) {
        let stripe = stripe(local_hash(key), KEY_STRIPES);
        self.keys[stripe as usize].fetch_add(by, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    fn mark(&self, group: &Group) -> Mark {
        let stripe = stripe(group.local_hash(), GROUP_STRIPES);
        Mark { stripe, count: self.groups[stripe as usize].load(Ordering::SeqCst) }
    }
}

impl fmt::Debug for Fences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fences(clock {})", self.clock.load(Ordering::Relaxed))
    }
}

/// Where the counters of one key stood at one moment.
pub(crate) struct Snapshot {
    stripe: u32,
    count: AtomicU64,
    /// How many bumps by news of our own writes may come.
    echoes: AtomicU64,
    epoch: u64,
    marks: Marks,
    any_tag: Mark,
    checked: AtomicU64,
    /// Whether a loader was asked under it, and no more entries are read.
    loading: AtomicBool,
}

impl Snapshot {
    /// Notes whether a loader is asked under this snapshot, or entries are read, which may have tags
    /// that their key does not name.
    pub(crate) fn note_loading(&self, loading: bool) {
        self.loading.store(loading, Ordering::SeqCst);
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.loading.load(Ordering::SeqCst)
    }

    /// Notes that news of a write of our own, under the right this snapshot stands for, will come.
    pub(crate) fn expect_echo(&self) {
        self.echoes.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn echoes(&self) -> u64 {
        self.echoes.load(Ordering::SeqCst)
    }

    /// Returns this snapshot with more groups, which were noted after it.
    ///
    /// Others may have checked this one since the groups were noted. So that check does not count.
    pub(crate) fn with(&self, marks: Marks) -> Self {
        let mut more = self.clone();
        more.marks.extend(marks);
        more.checked = AtomicU64::new(Self::UNCHECKED);
        more
    }

    const UNCHECKED: u64 = u64::MAX;

    /// Returns this snapshot as it stands once the echoes have been heard, and nothing else.
    pub(crate) fn past_echoes(&self) -> Self {
        let past = self.clone();
        past.count.fetch_add(past.echoes.swap(0, Ordering::SeqCst), Ordering::SeqCst);
        past
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        let copy = |count: &AtomicU64| AtomicU64::new(count.load(Ordering::SeqCst));
        Self {
            stripe: self.stripe,
            count: copy(&self.count),
            echoes: copy(&self.echoes),
            epoch: self.epoch,
            marks: self.marks.clone(),
            any_tag: self.any_tag,
            checked: copy(&self.checked),
            loading: AtomicBool::new(self.is_loading()),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} at {})", self.stripe, self.count.load(Ordering::Relaxed))
    }
}

/// Where some groups stood.
pub(crate) type Marks = SmallVec<[Mark; 4]>;

/// Where one stripe stood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    stripe: u32,
    count: u64,
}

#[allow(clippy::cast_possible_truncation, reason = "both stripe counts are far below 2^32")]
fn stripe(hash: u64, stripes: usize) -> u32 {
    (hash % stripes as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(entity: &str) -> Key {
        Key::new(b"ns:", |text| text.name(entity))
    }

    #[test]
    fn a_bumped_key_ends_its_snapshot_and_no_other() {
        let fences = Fences::new();
        let (one, other) = (key("one"), key("other"));
        let (before, untouched) = (fences.snapshot(&one), fences.snapshot(&other));

        fences.bump_key(one.as_bytes());

        assert!(!fences.hold(&before));
        assert!(fences.hold(&untouched));
        assert!(fences.hold(&fences.snapshot(&one)));
    }

    #[test]
    fn a_snapshot_that_is_moved_along_or_past_its_echoes_holds_again() {
        let (fences, key) = (Fences::new(), key("a"));
        let own = fences.snapshot(&key);

        assert!(fences.bump_key_of(&key, &own) && fences.hold(&own));
        own.expect_echo();
        assert!(fences.hold_but_for_echoes(&own));
        fences.bump_key_heard(key.as_bytes());

        assert!(!fences.hold(&own) && fences.hold_but_for_echoes(&own));
        assert!(fences.hold(&own.past_echoes()));
        fences.bump_key_heard(key.as_bytes());
        assert!(!fences.hold_but_for_echoes(&own) && !fences.hold(&own.past_echoes()));
        assert!(!fences.bump_key_of(&key, &own) && !fences.hold(&own));
    }

    #[test]
    fn an_invalidation_is_not_taken_for_echoes_that_did_not_come() {
        let (fences, key) = (Fences::new(), key("a"));
        let own = fences.snapshot(&key);
        own.expect_echo();
        own.expect_echo();

        fences.bump_key(key.as_bytes());

        assert!(!fences.hold_but_for_echoes(&own));
    }

    #[test]
    fn a_bumped_group_ends_every_key_in_it_and_no_other() {
        let fences = Fences::new();
        let (his, hers) = (key("profile").user(1), key("profile").user(2));
        let (before, untouched) = (fences.snapshot(&his), fences.snapshot(&hers));

        for group in his.groups().skip(2) {
            fences.bump_group(group.as_bytes());
        }

        assert!(!fences.hold(&before));
        assert!(fences.hold(&untouched));
        assert!(fences.hold(&untouched), "the second check takes the short way");
    }

    /// Somebody checks a flight's snapshot after the groups of what it read were noted.
    #[test]
    fn groups_that_are_added_later_are_checked_at_least_once() {
        let fences = Fences::new();
        let snapshot = fences.snapshot(&key("a"));
        let tag = Group::tag(b"ns:", b"rust");
        let marks = fences.marks(std::slice::from_ref(&tag));

        fences.bump_group(tag.as_bytes());
        assert!(fences.hold(&snapshot));

        assert!(!fences.hold(&snapshot.with(marks)));
    }

    #[test]
    fn a_flush_ends_everything() {
        let fences = Fences::new();
        let before = fences.snapshot(&key("a"));

        fences.bump_all();

        assert!(!fences.hold(&before));
        assert!(fences.hold(&fences.snapshot(&key("a"))));
    }

    #[test]
    fn the_group_of_all_keys_ends_everything() {
        let fences = Fences::new();
        let snapshots =
            [fences.snapshot(&key("a")), fences.snapshot(&key("b").user(1).tier("free"))];

        fences.bump_group(Group::all(b"ns:").as_bytes());

        assert!(snapshots.iter().all(|snapshot| !fences.hold(snapshot)));
    }
}
