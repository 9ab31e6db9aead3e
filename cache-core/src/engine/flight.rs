//! Flights: callers of one process that miss on the same key share one load.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, PoisonError};

use tokio::sync::OnceCell;

use super::fence::{Fences, Snapshot};
use crate::group::Group;
use crate::key::Key;
use crate::stats::Outcome;
use crate::sync::{Mutex, MutexGuard, many};

const SHARDS: usize = many(64);

/// A value or an error whose type only its callers know.
pub(crate) type Shared = Arc<dyn Any + Send + Sync>;

/// What a load came to, for those who waited for it.
#[derive(Clone)]
pub(crate) enum Landing {
    /// The load failed; the error is here if its type can be shared.
    Failed(Option<Shared>),
    /// The value, and where it came from.
    Value(Shared, Outcome),
}

/// The loads under way, by key and type of value.
///
/// A flight is joined only while its fences hold: after an invalidation the next caller starts a
/// new one, so that nobody who asks later gets an answer from before.
///
/// # Cancellation
///
/// Dropping the caller that loads, or a panic in its loader, does not fail the others: one of them
/// starts its own load.
pub(crate) struct Flights {
    shards: Box<[Mutex<Board>]>,
}

type Board = HashMap<(Box<[u8]>, TypeId), Arc<Flight>>;

/// One load under way.
struct Flight {
    snapshot: Arc<Snapshot>,
    /// The tags that the snapshot covers; `None` if the load may name any.
    tags: Option<Vec<u64>>,
    landing: OnceCell<Landing>,
    /// How many callers are in it. Guarded by the board's lock: a field of a dropped seat is
    /// released only after `drop` has returned, so counting `Arc`s would be a race.
    seats: Mutex<usize>,
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Takes a seat in the flight for `key`; starts one if there is none that may be joined.
    /// `late`: the load may name tags. So it is where the key has more than are known.
    pub(crate) fn join<V: 'static>(&self, key: &Key, late: bool, fences: &Fences) -> Seat<'_> {
        let name = (Box::from(key.as_bytes()), TypeId::of::<V>());
        let board = &self.shards[(key.local_hash() % SHARDS as u64) as usize];
        let mut flights = lock(board);
        let tags = (!late && !key.is_overtagged())
            .then(|| key.tags().iter().map(Group::id).collect::<Vec<_>>());
        let joinable = flights.get(&name).filter(|it| it.is_joinable(tags.as_deref(), fences));
        let joinable = joinable.cloned();
        let is_first = joinable.is_none();
        let flight = joinable.unwrap_or_else(|| {
            let flight = Arc::new(Flight {
                snapshot: Arc::new(fences.snapshot(key)),
                tags,
                landing: OnceCell::new(),
                seats: Mutex::new(0),
            });
            flights.insert(name.clone(), Arc::clone(&flight));
            flight
        });
        *lock(&flight.seats) += 1;
        Seat { board, name, flight, is_first }
    }

    /// Returns how many loads are under way.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|board| lock(board).len()).sum()
    }
}

impl Flight {
    /// Whether nothing was invalidated since it began, tags included that its snapshot may lack:
    /// those of an entry that it reads, or that its load names.
    fn is_joinable(&self, tags: Option<&[u64]>, fences: &Fences) -> bool {
        let is_covered = match (&self.tags, tags) {
            (Some(own), Some(tags)) if self.snapshot.is_loading() => {
                tags.iter().all(|tag| own.contains(tag))
            }
            _ => false,
        };
        fences.hold_but_for_echoes(&self.snapshot)
            && (is_covered || !fences.any_tag_moved(&self.snapshot))
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flights({})", self.len())
    }
}

/// A caller's place in a flight; the last one to drop clears the board.
pub(crate) struct Seat<'a> {
    board: &'a Mutex<Board>,
    name: (Box<[u8]>, TypeId),
    flight: Arc<Flight>,
    is_first: bool,
}

impl Seat<'_> {
    /// Whether the flight began with it.
    pub(crate) fn is_first(&self) -> bool {
        self.is_first
    }

    /// Returns where the fences stood when the flight began.
    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.flight.snapshot
    }

    /// Waits for the landing; calls `load` if nobody else is loading.
    pub(crate) async fn land<Fut>(&self, load: impl FnOnce() -> Fut) -> Landing
    where
        Fut: Future<Output = Landing>,
    {
        let fly = || async {
            let landing = load().await;
            // Nobody may join a flight that has landed: its answer need not be cacheable, and
            // overlapping callers would pass it on for ever.
            self.leave_board();
            landing
        };
        self.flight.landing.get_or_init(fly).await.clone()
    }

    /// Leaves a flight that takes too long, so that others do not join it either.
    pub(crate) fn abandon(self) {
        self.leave_board();
    }

    fn leave_board(&self) {
        let mut flights = lock(self.board);
        if flights.get(&self.name).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            flights.remove(&self.name);
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flights = lock(self.board);
        let mut seats = lock(&self.flight.seats);
        *seats -= 1;
        let last = *seats == 0;
        drop(seats);
        if last && flights.get(&self.name).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            flights.remove(&self.name);
        }
    }
}

/// Nothing panics while these locks are held, so a poisoned one is as good as new.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    fn key(entity: &str) -> Key {
        Key::new(b"ns:", |text| text.name(entity))
    }

    fn value(number: u32) -> Landing {
        Landing::Value(Arc::new(number), Outcome::Loaded)
    }

    fn number(landing: Landing) -> u32 {
        match landing {
            Landing::Value(value, _) => *value.downcast::<u32>().unwrap(),
            Landing::Failed(_) => panic!("the load failed"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_of_one_key_share_one_load() {
        let (flights, fences, key) = (Flights::new(), Fences::new(), key("quote"));
        let first = flights.join::<u32>(&key, false, &fences);
        let second = flights.join::<u32>(&key, false, &fences);

        let (one, two) = tokio::join!(
            first.land(|| async {
                sleep(Duration::from_secs(1)).await;
                value(1)
            }),
            second.land(|| async { value(2) }),
        );

        assert_eq!((number(one), number(two)), (1, 1));
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_leader_hands_over() {
        let (flights, fences, key) = (Flights::new(), Fences::new(), key("quote"));
        let first = flights.join::<u32>(&key, false, &fences);
        let second = flights.join::<u32>(&key, false, &fences);
        let slow = first.land(|| async {
            sleep(Duration::from_secs(60)).await;
            value(1)
        });

        let (one, two) =
            tokio::join!(timeout(Duration::from_secs(1), slow), second.land(|| async { value(2) }));

        assert!(one.is_err());
        assert_eq!(number(two), 2);
        drop((first, second));
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test]
    async fn a_panicking_leader_hands_over() {
        let (flights, fences) = (Arc::new(Flights::new()), Arc::new(Fences::new()));
        let (theirs, their_fences) = (Arc::clone(&flights), Arc::clone(&fences));
        let leader = tokio::spawn(async move {
            let seat = theirs.join::<u32>(&key("quote"), false, &their_fences);
            seat.land(|| async { panic!("the loader's own bug") }).await;
        });
        let seat = flights.join::<u32>(&key("quote"), false, &fences);

        let landing = seat.land(|| async { value(2) }).await;

        assert_eq!(number(landing), 2);
        assert!(leader.await.is_err());
        drop(seat);
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test]
    async fn nobody_joins_a_flight_from_before_an_invalidation() {
        let (flights, fences, key) = (Flights::new(), Fences::new(), key("quote"));
        let before = flights.join::<u32>(&key, false, &fences);

        fences.bump_key(key.as_bytes());
        let after = flights.join::<u32>(&key, false, &fences);
        let (old, new) =
            tokio::join!(before.land(|| async { value(1) }), after.land(|| async { value(2) }));

        assert_eq!((number(old), number(new)), (1, 2));
    }

    #[tokio::test]
    async fn nobody_joins_a_flight_that_a_tag_may_have_ended() {
        let fences = Fences::new();
        let (plain, tagged) = (key("quote"), key("quote").tag("rust"));
        let full = (0..300).fold(key("quote"), |key, tag| key.tag(&tag.to_string()));
        let (any, tag) = (Group::any_tag(b"ns:"), Group::tag(b"ns:", b"other"));
        for (first, first_late, loading, second, second_late, is_joined) in [
            (&plain, false, true, &plain, false, true),
            (&tagged, false, true, &tagged, false, true),
            (&tagged, false, true, &plain, false, true),
            (&tagged, false, false, &tagged, false, false),
            (&plain, false, true, &tagged, false, false),
            (&plain, true, true, &plain, false, false),
            (&plain, false, true, &plain, true, false),
            (&full, false, true, &full, false, false),
        ] {
            let flights = Flights::new();
            let one = flights.join::<u32>(first, first_late, &fences);
            one.snapshot().note_loading(loading);
            fences.bump_group(any.as_bytes());
            fences.bump_group(tag.as_bytes());
            let two = flights.join::<u32>(second, second_late, &fences);

            assert_eq!(Arc::ptr_eq(&one.flight, &two.flight), is_joined, "{first:?} {first_late}");
        }
    }

    #[tokio::test]
    async fn a_landed_flight_is_not_joined() {
        let (flights, fences, key) = (Flights::new(), Fences::new(), key("quote"));
        let landed = flights.join::<u32>(&key, false, &fences);
        landed.land(|| async { value(1) }).await;

        let next = flights.join::<u32>(&key, false, &fences);

        assert_eq!(number(next.land(|| async { value(2) }).await), 2);
    }

    #[tokio::test]
    async fn two_types_under_one_key_do_not_meet() {
        let (flights, fences, key) = (Flights::new(), Fences::new(), key("quote"));
        let numbers = flights.join::<u32>(&key, false, &fences);
        let texts = flights.join::<String>(&key, false, &fences);

        let landing = texts
            .land(|| async { Landing::Value(Arc::new(String::from("text")), Outcome::Loaded) });
        let (text, one) = tokio::join!(landing, numbers.land(|| async { value(1) }));

        assert_eq!(number(one), 1);
        assert!(matches!(text, Landing::Value(text, _) if text.is::<String>()));
    }
}
