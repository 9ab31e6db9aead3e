//! The fences by themselves: what a snapshot says when the threads that moved them have ended.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};

use super::world::{Source, key_and_tag};
use super::{Switches, explore, spawn};
use crate::engine::fence::{Fences, Snapshot};
use crate::group::Group;
use crate::key::Key;

/// The fences of an instance. `Clone` clones the handle.
#[derive(Clone)]
struct World {
    fences: Arc<Fences>,
    source: Arc<Source>,
    key: Key,
    tag: Group,
}

impl World {
    fn new() -> Self {
        let (key, tag) = key_and_tag();
        Self { fences: Arc::new(Fences::new()), source: Arc::new(Source::new()), key, tag }
    }

    fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let world = self.clone();
        spawn(move || work(&world))
    }

    fn snapshot(&self) -> Snapshot {
        self.fences.snapshot(&self.key)
    }

    fn end_group(&self) {
        self.fences.bump_group(Group::all(self.key.prefix()).as_bytes());
    }
}

/// The short way is to find that no group has moved at all.
#[test]
fn the_short_way_says_what_the_long_way_says() {
    explore(Switches::Any, || {
        let world = World::new();
        let other = world.spawn(|world| world.fences.bump_group(world.tag.as_bytes()));
        let ended = world.spawn(World::end_group);

        let snapshot = world.snapshot();
        ended.join().unwrap();
        other.join().unwrap();

        let unchecked = snapshot.with(world.fences.marks(&[]));
        let long = world.fences.groups_hold(&unchecked);
        assert_eq!(world.fences.groups_hold(&snapshot), long);
    });
}

#[test]
fn a_check_while_a_group_ends_does_not_hide_that() {
    explore(Switches::Any, || {
        let world = World::new();
        let snapshot = Arc::new(world.snapshot());
        world.fences.bump_group(world.tag.as_bytes());
        let (one, other) = (Arc::clone(&snapshot), Arc::clone(&snapshot));
        let one = world.spawn(move |world| world.fences.groups_hold(&one));
        let other = world.spawn(move |world| world.fences.groups_hold(&other));

        world.end_group();
        assert!(!world.fences.groups_hold(&snapshot));

        one.join().unwrap();
        other.join().unwrap();
        assert!(!world.fences.groups_hold(&snapshot));
    });
}

#[test]
fn a_check_while_everything_ends_does_not_hide_that() {
    explore(Switches::Any, || {
        let world = World::new();
        let snapshot = Arc::new(world.snapshot());
        world.fences.bump_group(world.tag.as_bytes());
        let checked = Arc::clone(&snapshot);
        let reader = world.spawn(move |world| world.fences.hold(&checked));

        world.fences.bump_all();

        reader.join().unwrap();
        assert!(!world.fences.hold(&snapshot));
    });
}

#[test]
fn groups_that_are_added_later_are_checked_whoever_checked_before() {
    explore(Switches::Any, || {
        let world = World::new();
        let snapshot = Arc::new(world.snapshot());
        let shared = Arc::clone(&snapshot);
        let joiner = world.spawn(move |world| world.fences.hold_but_for_echoes(&shared));
        let loader = world.spawn(move |world| {
            let marks = world.fences.marks(std::slice::from_ref(&world.tag));
            let value = world.source.read();
            // Loom by itself does not find that others check in between.
            thread::yield_now();
            (value, snapshot.with(marks))
        });

        world.source.write(1);
        world.fences.bump_group(world.tag.as_bytes());

        let (value, tagged) = loader.join().unwrap();
        joiner.join().unwrap();
        assert!(value == 1 || !world.fences.hold(&tagged));
    });
}

#[test]
fn a_snapshot_is_moved_along_only_if_nobody_else_bumped() {
    explore(Switches::Any, || {
        let world = World::new();
        let writer = world.spawn(|world| {
            let snapshot = world.snapshot();
            let value = world.source.read();
            let is_alone = world.fences.bump_key_of(&world.key, &snapshot);
            (value, is_alone, snapshot)
        });

        world.source.write(1);
        world.fences.bump_key(world.key.as_bytes());

        let (value, is_alone, snapshot) = writer.join().unwrap();
        let holds = world.fences.hold(&snapshot);
        assert!(value == 1 || !holds);
        assert!(is_alone || !holds);
    });
}

#[test]
fn of_two_who_move_along_one_at_most_holds() {
    explore(Switches::Any, || {
        let world = World::new();
        let move_along = |world: &World| {
            let snapshot = world.snapshot();
            let is_alone = world.fences.bump_key_of(&world.key, &snapshot);
            (is_alone, snapshot)
        };
        let (one, other) = (world.spawn(move_along), world.spawn(move_along));

        let both = [one.join().unwrap(), other.join().unwrap()];

        assert!(both.iter().any(|(is_alone, _)| *is_alone), "the first was");
        let hold = both.iter().filter(|(_, snapshot)| world.fences.hold(snapshot)).count();
        assert!(hold <= 1);
    });
}

/// The echo comes after the write it is of, and so after the snapshot; others may come at any time.
#[test]
fn a_change_by_others_is_not_taken_for_an_echo() {
    explore(Switches::Any, || {
        let world = World::new();
        let (snapshot, value) = (world.snapshot(), world.source.read());
        let hear = |world: &World| world.fences.bump_key_heard(world.key.as_bytes());
        let echo = world.spawn(hear);
        let news = world.spawn(move |world| {
            world.source.write(1);
            hear(world);
        });

        snapshot.expect_echo();
        let early = world.fences.moved(&snapshot);
        echo.join().unwrap();
        news.join().unwrap();

        assert_eq!(value, 0);
        assert!(early <= 2);
        assert!(!world.fences.hold(&snapshot.past_echoes()));
        assert!(!world.fences.hold_but_for_echoes(&snapshot));
    });
}

#[test]
fn past_its_echoes_a_snapshot_holds_whenever_they_come() {
    explore(Switches::Any, || {
        let world = World::new();
        let snapshot = world.snapshot();
        let hear = |world: &World| world.fences.bump_key_heard(world.key.as_bytes());
        let echoes = [world.spawn(hear), world.spawn(hear)];

        snapshot.expect_echo();
        snapshot.expect_echo();
        let past = snapshot.past_echoes();

        assert!(world.fences.hold_but_for_echoes(&snapshot));
        for echo in echoes {
            echo.join().unwrap();
        }
        assert!(world.fences.hold(&past));
        assert!(world.fences.hold_but_for_echoes(&snapshot));
    });
}
