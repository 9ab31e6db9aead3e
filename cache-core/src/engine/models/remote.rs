//! Near and remote at once: whole calls, against invalidations here and elsewhere.

use std::sync::Arc;

use super::shelf::Shelf;
use super::world::World;
use super::{Switches, block_on, explore};
use crate::Backend;
use crate::backend::SetOutcome;
use crate::engine::Asked;
use crate::engine::answer::Sharing;
use crate::engine::loaded::Loaded;

/// Returns an instance, and the store behind it.
fn world(fills: SetOutcome) -> (World, Arc<Shelf>) {
    let shelf = Arc::new(Shelf::new(fills));
    let remote: Arc<dyn Backend> = Arc::<Shelf>::clone(&shelf);
    (World::with(Some(remote)), shelf)
}

impl World {
    fn set(&self, value: u64) {
        block_on(self.engine.set(&self.key, &Arc::new(value), self.call().options)).unwrap();
    }

    /// Looks the key up in the remote level, and keeps near what is there.
    fn look(&self) -> Option<u64> {
        let found = block_on(self.engine.get::<u64>(&self.key, self.call().options));
        found.map(|answer| *answer.value)
    }

    /// Asks for the value; the source is the loader.
    fn fetch(&self) -> u64 {
        let asked = Asked { options: self.call().options, late_tags: false };
        let load = || async { Ok::<_, ()>(Loaded::new(self.source.read())) };
        let answer = block_on(self.engine.fetch(&self.key, asked, Sharing::NONE, None, load));
        *answer.unwrap().value
    }
}

/// The second bump of a fence, after the remote level was told.
#[test]
fn a_look_up_in_the_middle_of_an_invalidation_keeps_nothing() {
    explore(Switches::AtMost(3), || {
        let (world, _) = world(SetOutcome::Stored);
        world.set(0);
        let reader = world.spawn(World::look);

        world.invalidate();

        assert_eq!(world.near(), None, "while the look-up is under way");
        reader.join().unwrap();
        assert_eq!(world.near(), None, "when it has ended");
    });
}

#[test]
fn a_look_up_while_its_group_ends_keeps_nothing() {
    explore(Switches::AtMost(3), || {
        let (world, _) = world(SetOutcome::Stored);
        world.set(0);
        let reader = world.spawn(World::look);

        world.invalidate_groups(&[world.group()]);

        assert_eq!(world.near(), None, "while the look-up is under way");
        reader.join().unwrap();
        assert_eq!(world.near(), None, "when it has ended");
    });
}

/// The first bump of a fence, before the remote level is told.
#[test]
fn what_is_near_ends_before_the_remote_level_is_told() {
    explore(Switches::Any, || {
        let (world, shelf) = world(SetOutcome::Stored);
        world.set(0);
        let writer = world.spawn(World::invalidate);

        let is_told = shelf.is_empty_at(&world.key);
        let near = world.near();

        assert!(!is_told || near.is_none());
        writer.join().unwrap();
    });
}

/// As the second bump of a fence, where a writer takes its own snapshot along.
#[test]
fn a_look_up_in_the_middle_of_a_set_keeps_nothing_old() {
    explore(Switches::AtMost(3), || {
        let (world, _) = world(SetOutcome::Stored);
        world.set(0);
        let reader = world.spawn(World::look);

        world.set(1);

        assert_ne!(world.near(), Some(0), "while the look-up is under way");
        reader.join().unwrap();
        assert_ne!(world.near(), Some(0), "when it has ended");
    });
}

#[test]
fn of_two_writers_none_leaves_near_what_the_other_has_replaced() {
    explore(Switches::AtMost(2), || {
        let (world, _) = world(SetOutcome::Stored);
        let other = world.spawn(|world| world.set(1));

        world.set(2);
        other.join().unwrap();

        let near = world.near();
        assert!(near.is_none() || near == world.look());
    });
}

/// News come on the connection's own thread, or before the answer to what is asked next.
#[test]
fn what_others_ended_is_not_kept_although_fills_are_echoed() {
    explore(Switches::AtMost(2), || {
        let (world, shelf) = world(SetOutcome::Echoed);
        let caller = world.spawn(World::fetch);
        let connection = Arc::clone(&shelf);
        let connection = world.spawn(move |_| connection.tell());

        world.source.write(1);
        shelf.remove_by_other(&world.key);

        caller.join().unwrap();
        connection.join().unwrap();
        shelf.tell();
        assert_ne!(world.near(), Some(0));
    });
}

#[test]
fn what_was_filled_is_near_whenever_its_echo_comes() {
    explore(Switches::AtMost(3), || {
        let (world, shelf) = world(SetOutcome::Echoed);
        let connection = Arc::clone(&shelf);
        let connection = world.spawn(move |_| connection.tell());

        world.fetch();

        connection.join().unwrap();
        shelf.tell();
        assert_eq!(world.near(), Some(0));
    });
}
