//! Flights: one load at a time, nobody hangs, and nobody gets an answer from before.

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use futures_util::future::poll_immediate;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread::{self, JoinHandle};

use super::world::{Source, key_and_tag};
use super::{Switches, block_on, explore, spawn};
use crate::engine::fence::{Fences, Snapshot};
use crate::engine::flight::{Flights, Landing, Seat};
use crate::key::Key;
use crate::stats::Outcome;

/// The flights of an instance. `Clone` clones the handle.
#[derive(Clone)]
struct World {
    flights: Arc<Flights>,
    fences: Arc<Fences>,
    source: Arc<Source>,
    key: Key,
}

impl World {
    fn new() -> Self {
        let (key, _) = key_and_tag();
        let (flights, fences) = (Arc::new(Flights::new()), Arc::new(Fences::new()));
        Self { flights, fences, source: Arc::new(Source::new()), key }
    }

    fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let world = self.clone();
        spawn(move || work(&world))
    }

    fn join(&self) -> Seat<'_> {
        self.flights.join::<u64>(&self.key, false, &self.fences)
    }

    fn invalidate(&self) {
        self.fences.bump_key(self.key.as_bytes());
    }

    /// Takes part in a flight whose load says what the source says.
    fn fly(&self) -> u64 {
        let seat = self.join();
        number(block_on(seat.land(|| async { value(self.source.read()) })))
    }

    fn is_clear(&self) -> bool {
        self.flights.len() == 0
    }
}

fn value(number: u64) -> Landing {
    Landing::Value(Arc::new(number), Outcome::Loaded)
}

fn number(landing: Landing) -> u64 {
    match landing {
        Landing::Value(value, _) => *value.downcast::<u64>().unwrap(),
        Landing::Failed(_) => panic!("the load failed"),
    }
}

#[test]
fn callers_at_the_same_time_share_one_load_and_clear_the_board() {
    explore(Switches::AtMost(3), || {
        let world = World::new();
        let loads = Arc::new(AtomicU64::new(0));
        let seats = [world.join(), world.join()];
        let other = world.spawn(World::fly);

        for seat in seats {
            let loads = Arc::clone(&loads);
            let load = || async move {
                loads.fetch_add(1, Ordering::Relaxed);
                value(7)
            };
            block_on(seat.land(load));
        }
        other.join().unwrap();

        assert!(loads.load(Ordering::Relaxed) <= 1, "both had seats before it began");
        assert!(world.is_clear());
    });
}

/// The one who is cancelled may lead, or wait for the other's load, or come too late for it.
#[test]
fn a_cancelled_caller_hands_over_and_nobody_hangs() {
    explore(Switches::AtMost(3), || {
        let world = World::new();
        let cancelled = world.spawn(|world| {
            let seat = world.join();
            let landed = block_on(poll_immediate(seat.land(pending)));
            assert!(landed.is_none_or(|landing| number(landing) == 0));
        });
        let followers = [world.spawn(World::fly), world.spawn(World::fly)];

        for follower in followers {
            assert_eq!(follower.join().unwrap(), 0);
        }
        cancelled.join().unwrap();
        assert!(world.is_clear());
    });
}

#[test]
fn a_panicking_leader_hands_over_and_nobody_hangs() {
    explore(Switches::AtMost(3), || {
        let world = World::new();
        let leader = world.spawn(|world| {
            let seat = world.join();
            // Not `panic!`, which would print a line in each run.
            let load = || async { resume_unwind(Box::new("the loader's own bug")) };
            catch_unwind(AssertUnwindSafe(|| block_on(seat.land(load)))).map(number).ok()
        });
        let follower = world.spawn(World::fly);

        assert_eq!(follower.join().unwrap(), 0);
        assert!(matches!(leader.join().unwrap(), None | Some(0)));
        assert!(world.is_clear());
    });
}

#[test]
fn nobody_joins_a_flight_from_before_an_invalidation() {
    explore(Switches::AtMost(3), || {
        let world = World::new();
        let early = [world.spawn(World::fly), world.spawn(World::fly)];

        world.source.write(1);
        world.invalidate();

        assert_eq!(world.fly(), 1);
        for caller in early {
            caller.join().unwrap();
        }
        assert!(world.is_clear());
    });
}

/// Those who have landed keep their seats for a while; others come meanwhile.
#[test]
fn a_landed_flight_is_not_joined() {
    explore(Switches::AtMost(3), || {
        let world = World::new();
        // Each load reads another number.
        let fly = |world: &World, seat: &Seat<'_>| {
            number(block_on(seat.land(|| async { value(world.source.next()) })))
        };
        let seat = world.join();
        let other = world.spawn(move |world| fly(world, &world.join()));

        let first = fly(&world, &seat);
        let second = fly(&world, &world.join());

        assert_ne!(first, second);
        other.join().unwrap();
        drop(seat);
        assert!(world.is_clear());
    });
}

/// The one who leaves may have joined this flight, or one from before.
#[test]
fn a_flight_stays_on_the_board_while_somebody_has_a_seat() {
    explore(Switches::Any, || {
        let world = World::new();
        let leaving = world.spawn(|world| drop(world.join()));

        world.invalidate();
        let first = world.join();
        let second = world.join();

        let snapshot = |seat: &Seat<'_>| -> Arc<Snapshot> { Arc::clone(seat.snapshot()) };
        assert!(Arc::ptr_eq(&snapshot(&first), &snapshot(&second)));
        leaving.join().unwrap();
        drop((first, second));
        assert!(world.is_clear());
    });
}

/// A load that lasts: its caller is interrupted in the middle of it, and woken by others.
#[test]
fn those_who_wait_are_woken_when_a_long_load_lands() {
    explore(Switches::AtMost(3), || {
        let world = World::new();
        let leader = world.spawn(|world| {
            let seat = world.join();
            let load = || async {
                thread::yield_now();
                ready(()).await;
                value(world.source.read())
            };
            number(block_on(seat.land(load)))
        });
        let followers = [world.spawn(World::fly), world.spawn(World::fly)];

        assert_eq!(leader.join().unwrap(), 0);
        for follower in followers {
            assert_eq!(follower.join().unwrap(), 0);
        }
        assert!(world.is_clear());
    });
}
