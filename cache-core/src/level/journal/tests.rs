//! What is owed, and in which order it is told.

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

/// Begins a round, and returns its first page.
fn next(journal: &mut Journal) -> Option<Page> {
    journal.begin_round();
    journal.page()
}

/// Tells page after page, and returns the sizes of them.
fn told(journal: &mut Journal) -> Vec<usize> {
    let mut sizes = Vec::new();
    while let Some(page) = next(journal) {
        journal.settle(&page, |_| true);
        sizes.push(page.len());
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
    let page = next(&mut journal).unwrap();

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
    assert_eq!([&plain, &his].map(|key| journal.covers(key)), [Cover::Ended, Cover::None]);

    journal.note_groups(&[his.groups().last().unwrap()], None);
    assert_eq!([&his, &tagged].map(|key| journal.covers(key)), [Cover::Ended, Cover::None]);

    journal.note_groups(&tag("t"), Some(Duration::from_secs(60)));
    assert_eq!([&tagged, &key("d")].map(|key| journal.covers(key)), [Cover::Held, Cover::None]);
    assert!(journal.covers_any(&tag("t")) && !journal.covers_any(&tag("u")[..1]));
}

#[test]
fn what_could_not_be_told_stays_owed() {
    let mut journal = journal(10);
    journal.note_keys(&[key("a"), key("b")], None);
    let page = next(&mut journal).unwrap();

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
    let Some(Page::Groups(batch)) = next(&mut journal) else { panic!("no groups") };
    assert_eq!((batch.all[0].id(), batch.hold), (Group::all(b"test:").id(), hold));
}

#[test]
fn everything_that_is_owed_again_while_it_is_told_stays_owed() {
    let mut journal = journal(0);
    journal.note_keys(&[key("a")], None);
    let page = next(&mut journal).unwrap();

    journal.note_keys(&[key("b")], None);
    journal.settle(&page, |_| true);

    assert_eq!(journal.len(), 1);
}

#[test]
fn what_moves_with_every_tag_is_told_first() {
    let mut journal = journal(10);
    journal.note_groups(&tag("a"), None);

    let Some(Page::Groups(batch)) = next(&mut journal) else { panic!("no groups") };

    assert!(batch.all[0].is_any_tag() && batch.all.len() == 2);
}

#[test]
fn the_longer_hold_counts_and_each_page_has_one() {
    let [short, long] = [1, 2].map(|seconds| Some(Duration::from_secs(seconds)));
    let mut journal = journal(10);
    journal.note_keys(&[key("a")], long);
    journal.note_keys(&[key("a"), key("b")], short);

    let Some(Page::Keys(batch)) = next(&mut journal) else { panic!("no keys") };

    assert_eq!((batch.all.len(), batch.hold), (1, long));
    assert_eq!(told(&mut journal), [1, 1]);
}

/// A node of a cluster that is away must not keep the others from being told.
#[test]
fn what_cannot_be_told_does_not_stand_in_the_way() {
    let mut journal = journal(1000);
    let keys: Vec<Key> = (0..600).map(|number| key(&format!("k{number:03}"))).collect();
    journal.note_keys(&keys, None);
    journal.note_groups(&[Group::user(b"test:", b"1"), Group::user(b"test:", b"2")], None);

    journal.begin_round();
    let mut told = Vec::new();
    while let Some(page) = journal.page() {
        // The first of each page is on that node.
        journal.settle(&page, |place| place > 0);
        told.push(page.len());
    }

    assert_eq!((told, journal.len()), (vec![2, 256, 256, 88], 4));
    journal.note_keys(&[key("new")], None);
    let Some(Page::Groups(page)) = next(&mut journal) else { panic!("no groups") };
    assert_eq!(page.all.len(), 1);
    journal.settle(&Page::Groups(page), |_| false);
    let Some(Page::Keys(page)) = journal.page() else { panic!("no keys") };
    assert_eq!(page.all.len(), 1, "what was never tried comes first");
}

#[test]
fn no_tag_is_told_while_what_moves_with_every_tag_is_owed() {
    let mut journal = journal(10);
    journal.note_groups(&tag("a"), None);
    journal.note_groups(&[Group::user(b"test:", b"1")], None);
    let first = next(&mut journal).unwrap();
    assert_eq!(first.len(), 3);
    journal.settle(&first, |_| false);
    assert!(journal.page().is_none());
    journal.note_groups(&tag("b")[..1], None);
    assert!(journal.page().is_none(), "a tag that was never tried has to wait too");

    let Some(Page::Groups(batch)) = next(&mut journal) else { panic!("no groups") };

    assert!(batch.all[0].is_any_tag());
}

#[test]
fn what_takes_too_long_is_told_in_smaller_pages() {
    let mut journal = journal(1000);
    let keys: Vec<Key> = (0..600).map(|number| key(&format!("k{number}"))).collect();
    journal.note_keys(&keys, None);

    let sizes = [true, true, false].map(|was_late| {
        journal.resize(was_late);
        next(&mut journal).unwrap().len()
    });

    assert_eq!(sizes, [128, 64, 128]);
    (0..20).for_each(|_| journal.resize(true));
    assert_eq!(next(&mut journal).unwrap().len(), 1);
    (0..20).for_each(|_| journal.resize(false));
    assert_eq!(next(&mut journal).unwrap().len(), 256);
}
