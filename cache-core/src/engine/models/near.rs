//! The near insert against invalidations: nothing from before is served after.

use std::sync::Arc;
use std::time::Duration;

use super::world::World;
use super::{Switches, block_on, explore};
use crate::engine::loaded::Loaded;

#[test]
fn nothing_from_before_an_invalidation_is_served_after_it() {
    explore(Switches::Any, || {
        let world = World::new();
        let loader = world.spawn(World::load);

        world.source.write(1);
        world.invalidate();

        assert_ne!(world.near(), Some(0), "while the load is under way");
        loader.join().unwrap();
        assert_ne!(world.near(), Some(0), "when it has ended");
    });
}

#[test]
fn nothing_from_before_its_group_ended_is_served_after_it() {
    explore(Switches::Any, || {
        let world = World::new();
        let loader = world.spawn(World::load);

        world.source.write(1);
        world.invalidate_groups(&[world.group()]);

        assert_ne!(world.near(), Some(0), "while the load is under way");
        loader.join().unwrap();
        assert_ne!(world.near(), Some(0), "when it has ended");
    });
}

/// A look-up notes that an entry's groups have not moved, so that the next one is short.
#[test]
fn a_look_up_while_a_group_ends_does_not_hide_that() {
    explore(Switches::Any, || {
        let world = World::new();
        world.load();
        // The first look-up after any group has moved is a long one.
        world.invalidate_groups(std::slice::from_ref(&world.tag));
        let reader = world.spawn(World::near);

        world.source.write(1);
        world.invalidate_groups(&[world.group()]);

        assert_eq!(world.near(), None, "while the look-up is under way");
        reader.join().unwrap();
        assert_eq!(world.near(), None, "when it has ended");
    });
}

/// Those who join a flight check its snapshot, while its load finds out about tags.
#[test]
fn nothing_from_before_its_late_tag_ended_is_served_after_it() {
    explore(Switches::AtMost(3), || {
        let world = World::new();
        let snapshot = Arc::new(world.snapshot());
        let shared = Arc::clone(&snapshot);
        let joiner = world.spawn(move |world| world.engine.fences.hold_but_for_echoes(&shared));
        let loader = world.spawn(move |world| {
            let loaded = Loaded::new(world.source.read()).tag("rust");
            block_on(world.engine.keep(world.call(), &loaded, Duration::ZERO, None, &snapshot));
        });

        world.source.write(1);
        world.invalidate_tag();

        assert_ne!(world.near(), Some(0), "while the load is under way");
        loader.join().unwrap();
        joiner.join().unwrap();
        assert_ne!(world.near(), Some(0), "when it has ended");
    });
}

#[test]
fn what_was_read_at_peace_is_served() {
    explore(Switches::Any, || {
        let world = World::new();
        let loader = world.spawn(World::load);

        let early = world.near();
        loader.join().unwrap();

        assert!(matches!(early, None | Some(0)));
        assert_eq!(world.near(), Some(0));
    });
}
