//! The contract of [`Backend`], as tests: one function per promise.
//!
//! Use [`conformance!`](crate::conformance) rather than these functions: it lists them all.

#![allow(clippy::missing_panics_doc, reason = "they are tests: that is how they fail")]

mod groups;
mod holds;
mod identity;

pub use groups::*;
pub use holds::*;
pub use identity::*;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;

use super::key;
use crate::backend::{
    Backend, InvalidateOptions, LeaseRequest, SetMode, SetOptions, SetOutcome, Slot,
};
use crate::key::Key;
use crate::wire::Stamp;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// Proves that a backend keeps the contract of [`Backend`](crate::Backend).
///
/// Takes the attribute of a test, and an expression that makes a backend and whatever must live as
/// long as it does. The expression is evaluated in each test and may `return` or `.await`.
///
/// ```text
/// cache_core::conformance!(#[tokio::test] (MyBackend::new(), ()));
/// ```
#[macro_export]
macro_rules! conformance {
    (#[$attribute:meta] $make:expr) => {
        $crate::conformance! { @tests #[$attribute] ($make)
            a_batch_is_answered_in_order
            a_closed_backend_refuses_to_work
            a_dropped_write_is_whole_or_not_at_all
            a_fill_needs_the_stamp_that_is_there
            a_fill_under_a_lease_is_returned
            a_group_that_is_advanced_gets_another_generation
            a_held_generation_is_gone_after_its_hold
            a_lease_ends_by_itself
            a_lease_is_given_to_one_caller
            a_missing_generation_is_made_once
            a_missing_key_is_missing
            a_released_lease_can_be_taken
            a_store_that_was_away_ends_everything_once
            a_store_that_is_known_ends_nothing
            a_stamp_is_held_until_something_else_is_there
            a_tombstone_keeps_leases_and_fills_away
            an_entry_ends_with_its_ttl
            an_entry_is_replaced_by_its_stamp
            an_invalidation_stops_the_fill_under_way
            an_invalidation_removes_whatever_is_there
            bytes_come_back_as_they_were
            bytes_shorter_than_a_stamp_compare_as_a_whole
            every_scope_has_its_own_entry
            invalidations_win_against_racing_fills
            it_answers_a_ping
        }
    };
    (@tests #[$attribute:meta] ($make:expr) $($name:ident)*) => {$(
        #[$attribute]
        async fn $name() {
            let (backend, _keep) = $make;
            $crate::testing::conformance::$name(&backend).await;
        }
    )*};
}

fn fresh_key() -> Key {
    key("conformance", "entity").arg(rand::random::<u64>())
}

fn request() -> LeaseRequest {
    LeaseRequest::new(LONG)
}

fn under(stamp: Stamp) -> SetOptions {
    SetOptions::new(LONG, SetMode::IfStamp(stamp))
}

fn always() -> SetOptions {
    SetOptions::new(LONG, SetMode::Always)
}

fn entry(payload: &'static [u8]) -> Bytes {
    [Stamp::entry(rand::random()).as_bytes(), payload].concat().into()
}

async fn look(backend: &dyn Backend, key: &Key, lease: Option<&LeaseRequest>) -> Slot {
    let slots = look_many(backend, std::slice::from_ref(key), lease).await;
    slots.into_iter().next().expect("one answer")
}

async fn look_many(backend: &dyn Backend, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Slot> {
    let slots = backend.get(keys, lease).await;
    assert_eq!(slots.len(), keys.len(), "one answer for each key");
    slots.into_iter().map(|slot| slot.expect("get")).collect()
}

async fn set(backend: &dyn Backend, key: &Key, bytes: &Bytes, options: &SetOptions) -> SetOutcome {
    match backend.set(key, bytes.clone(), options).await.expect("set") {
        SetOutcome::Echoed | SetOutcome::Stored => SetOutcome::Stored,
        SetOutcome::Refused => SetOutcome::Refused,
    }
}

async fn invalidate(backend: &dyn Backend, key: &Key) {
    end(backend, std::slice::from_ref(key), None).await;
}

async fn end(backend: &dyn Backend, keys: &[Key], hold: Option<Duration>) {
    let ended = backend.invalidate(keys, &InvalidateOptions::new(hold)).await;
    assert_eq!(ended.len(), keys.len(), "one answer for each key");
    ended.into_iter().for_each(|ended| ended.expect("invalidate"));
}

/// Takes the lease of `key` and fills it.
async fn fill(backend: &dyn Backend, key: &Key, bytes: &Bytes) {
    let lease = request();
    assert_eq!(look(backend, key, Some(&lease)).await, Slot::Leased);
    assert_eq!(set(backend, key, bytes, &under(lease.stamp)).await, SetOutcome::Stored);
}

/// Looks at `key` until nothing is there, and returns how long that took.
async fn gone(backend: &dyn Backend, key: &Key) -> Duration {
    let started = Instant::now();
    while look(backend, key, None).await != Slot::Missing {
        assert!(started.elapsed() < Duration::from_secs(10), "still there");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    started.elapsed()
}

/// `get` says that nothing is there, with or without interest in a lease.
pub async fn a_missing_key_is_missing(backend: &dyn Backend) {
    assert_eq!(look(backend, &fresh_key(), None).await, Slot::Missing);
    assert!(backend.get(&[], None).await.is_empty());
}

/// Of many who ask at once, one gets the lease; without one, a lease looks like nothing.
pub async fn a_lease_is_given_to_one_caller(backend: &dyn Backend) {
    let key = fresh_key();
    let requests: Vec<_> = (0..50).map(|_| request()).collect();

    let looks = requests.iter().map(|request| look(backend, &key, Some(request)));
    let slots = join_all(looks).await;

    assert_eq!(slots.iter().filter(|slot| **slot == Slot::Leased).count(), 1);
    assert_eq!(slots.iter().filter(|slot| **slot == Slot::Busy).count(), 49);
    assert_eq!(look(backend, &key, None).await, Slot::Missing);
}

/// The holder of the lease fills; everybody then finds the entry.
pub async fn a_fill_under_a_lease_is_returned(backend: &dyn Backend) {
    let (key, bytes) = (fresh_key(), entry(b"value"));

    fill(backend, &key, &bytes).await;

    assert_eq!(look(backend, &key, None).await, Slot::Entry(bytes.clone()));
    assert_eq!(look(backend, &key, Some(&request())).await, Slot::Entry(bytes));
}

/// A fill under another lease, or where nothing is, writes nothing.
pub async fn a_fill_needs_the_stamp_that_is_there(backend: &dyn Backend) {
    let (key, bytes) = (fresh_key(), entry(b"value"));
    let nothing = set(backend, &key, &bytes, &under(request().stamp)).await;
    assert_eq!(nothing, SetOutcome::Refused);
    assert_eq!(look(backend, &key, Some(&request())).await, Slot::Leased);

    let another = set(backend, &key, &bytes, &under(request().stamp)).await;

    assert_eq!(another, SetOutcome::Refused);
    assert_eq!(look(backend, &key, Some(&request())).await, Slot::Busy);
}

/// An invalidation between lease and fill makes the fill fail, also if a new lease was taken.
pub async fn an_invalidation_stops_the_fill_under_way(backend: &dyn Backend) {
    let (key, old, new) = (fresh_key(), entry(b"old"), entry(b"new"));
    let (first, second) = (request(), request());
    assert_eq!(look(backend, &key, Some(&first)).await, Slot::Leased);

    invalidate(backend, &key).await;
    assert_eq!(set(backend, &key, &old, &under(first.stamp)).await, SetOutcome::Refused);
    assert_eq!(look(backend, &key, Some(&second)).await, Slot::Leased);
    assert_eq!(set(backend, &key, &old, &under(first.stamp)).await, SetOutcome::Refused);

    assert_eq!(set(backend, &key, &new, &under(second.stamp)).await, SetOutcome::Stored);
    assert_eq!(look(backend, &key, None).await, Slot::Entry(new));
}

/// Entries, leases and bytes of strangers are all removed; others stay.
pub async fn an_invalidation_removes_whatever_is_there(backend: &dyn Backend) {
    let (filled, leased, foreign, other) = (fresh_key(), fresh_key(), fresh_key(), fresh_key());
    let kept = entry(b"kept");
    fill(backend, &filled, &entry(b"value")).await;
    fill(backend, &other, &kept).await;
    assert_eq!(look(backend, &leased, Some(&request())).await, Slot::Leased);
    let stranger = Bytes::from_static(b"not one of ours");
    assert_eq!(set(backend, &foreign, &stranger, &always()).await, SetOutcome::Stored);

    let keys = [filled, leased, foreign, fresh_key()];
    end(backend, &keys, None).await;

    let slots = look_many(backend, &keys, None).await;
    assert_eq!(slots, [Slot::Missing, Slot::Missing, Slot::Missing, Slot::Missing]);
    assert_eq!(look(backend, &keys[1], Some(&request())).await, Slot::Leased);
    assert_eq!(look(backend, &other, None).await, Slot::Entry(kept));
    end(backend, &[], None).await;
}

/// The holder gives its lease back, nobody else can; an entry stays.
pub async fn a_released_lease_can_be_taken(backend: &dyn Backend) {
    let (key, lease) = (fresh_key(), request());
    assert_eq!(look(backend, &key, Some(&lease)).await, Slot::Leased);

    backend.release(&key, &request().stamp).await.expect("release");
    assert_eq!(look(backend, &key, Some(&request())).await, Slot::Busy);
    backend.release(&key, &lease.stamp).await.expect("release");
    assert_eq!(look(backend, &key, Some(&request())).await, Slot::Leased);

    let (filled, bytes) = (fresh_key(), entry(b"value"));
    fill(backend, &filled, &bytes).await;
    backend.release(&filled, &lease.stamp).await.expect("release");
    assert_eq!(look(backend, &filled, None).await, Slot::Entry(bytes));
}

/// An entry can be replaced by whoever knows its stamp, once.
pub async fn an_entry_is_replaced_by_its_stamp(backend: &dyn Backend) {
    let (key, old, new) = (fresh_key(), entry(b"old"), entry(b"new"));
    fill(backend, &key, &old).await;

    assert_eq!(set(backend, &key, &new, &under(Stamp::of(&old))).await, SetOutcome::Stored);
    assert_eq!(set(backend, &key, &old, &under(Stamp::of(&old))).await, SetOutcome::Refused);

    assert_eq!(look(backend, &key, None).await, Slot::Entry(new));
}

/// Bytes of a stranger can be shorter than a stamp, or its beginning.
pub async fn bytes_shorter_than_a_stamp_compare_as_a_whole(backend: &dyn Backend) {
    let (key, new) = (fresh_key(), entry(b"new"));
    let short = Bytes::from_static(b"ab");
    assert_eq!(set(backend, &key, &short, &always()).await, SetOutcome::Stored);

    for wrong in [&b"a"[..], b"abc", b"", b"ab\0"] {
        assert_eq!(set(backend, &key, &new, &under(Stamp::of(wrong))).await, SetOutcome::Refused);
    }

    assert_eq!(look(backend, &key, None).await, Slot::Entry(short));
    assert_eq!(set(backend, &key, &new, &under(Stamp::of(b"ab"))).await, SetOutcome::Stored);
}

/// Every byte value, and a megabyte of them.
pub async fn bytes_come_back_as_they_were(backend: &dyn Backend) {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    for bytes in [Bytes::from(all.clone()), all.repeat(4096).into()] {
        let key = fresh_key();
        assert_eq!(set(backend, &key, &bytes, &always()).await, SetOutcome::Stored);
        assert!(look(backend, &key, None).await == Slot::Entry(bytes), "other bytes");
    }
}

/// Many keys, one call: answers in the order of the keys, a lease for each that is missing.
pub async fn a_batch_is_answered_in_order(backend: &dyn Backend) {
    let keys: Vec<_> = (0..20).map(|_| fresh_key()).collect();
    let bytes = entry(b"value");
    for key in keys.iter().step_by(2) {
        fill(backend, key, &bytes).await;
    }
    let lease = request();

    let slots = look_many(backend, &keys, Some(&lease)).await;

    for (index, slot) in slots.iter().enumerate() {
        let expected = if index % 2 == 0 { Slot::Entry(bytes.clone()) } else { Slot::Leased };
        assert_eq!(*slot, expected, "at {index}");
    }
    assert_eq!(set(backend, &keys[1], &bytes, &under(lease.stamp)).await, SetOutcome::Stored);
    assert_eq!(slots.len(), keys.len());
}

/// Another tier, user, tenant, argument or entity is another entry.
pub async fn every_scope_has_its_own_entry(backend: &dyn Backend) {
    let base = fresh_key();
    let others = [
        base.clone().tier("free"),
        base.clone().tier("core"),
        base.clone().user(1),
        base.clone().user(2),
        base.clone().tenant(1),
        base.clone().arg(""),
        key("conformance2", "entity"),
    ];
    fill(backend, &base, &entry(b"value")).await;

    let slots = look_many(backend, &others, None).await;

    assert!(slots.iter().all(|slot| *slot == Slot::Missing));
}

/// Not before, and not much later.
pub async fn an_entry_ends_with_its_ttl(backend: &dyn Backend) {
    let (key, ttl, lease) = (fresh_key(), Duration::from_millis(150), request());
    assert_eq!(look(backend, &key, Some(&lease)).await, Slot::Leased);
    let options = SetOptions::new(ttl, SetMode::IfStamp(lease.stamp));

    let started = Instant::now();
    assert_eq!(set(backend, &key, &entry(b"value"), &options).await, SetOutcome::Stored);
    gone(backend, &key).await;

    assert!(started.elapsed() >= ttl, "gone after {:?}", started.elapsed());
}

/// A holder that died does not block the key for ever.
pub async fn a_lease_ends_by_itself(backend: &dyn Backend) {
    let key = fresh_key();
    let lease = LeaseRequest::new(Duration::from_millis(100));
    assert_eq!(look(backend, &key, Some(&lease)).await, Slot::Leased);

    let started = Instant::now();
    let next = request();
    while look(backend, &key, Some(&next)).await != Slot::Leased {
        assert!(started.elapsed() < Duration::from_secs(10), "still held");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    let late = set(backend, &key, &entry(b"late"), &under(lease.stamp)).await;
    assert_eq!(late, SetOutcome::Refused);
}

/// An entry is never stored in part, whenever its writer went away.
pub async fn a_dropped_write_is_whole_or_not_at_all(backend: &dyn Backend) {
    let (key, old) = (fresh_key(), entry(b"old"));
    let new: Bytes = vec![7; 100_000].into();
    assert_eq!(set(backend, &key, &old, &always()).await, SetOutcome::Stored);

    let options = always();
    let write = backend.set(&key, new.clone(), &options);
    let _ = tokio::time::timeout(Duration::ZERO, write).await;
    backend.ping().await.expect("ping");

    let found = look(backend, &key, None).await;
    assert!(found == Slot::Entry(old) || found == Slot::Entry(new), "a part of it");
}

/// Whatever the order of a fill and an invalidation: afterwards the old value is not there.
pub async fn invalidations_win_against_racing_fills(backend: &dyn Backend) {
    for round in 0..100 {
        let (key, lease, old) = (fresh_key(), request(), entry(b"old"));
        assert_eq!(look(backend, &key, Some(&lease)).await, Slot::Leased);

        let options = under(lease.stamp);
        let late = backend.set(&key, old, &options);
        let (filled, ()) = futures_util::future::join(late, invalidate(backend, &key)).await;

        let filled = filled.expect("set");
        let found = look(backend, &key, None).await;
        assert_eq!(found, Slot::Missing, "round {round}, fill {filled:?}");
    }
}

/// At the cost of one round trip.
pub async fn it_answers_a_ping(backend: &dyn Backend) {
    backend.ping().await.expect("ping");
}

/// Work after `close` fails, and does so at once.
pub async fn a_closed_backend_refuses_to_work(backend: &dyn Backend) {
    backend.ping().await.expect("ping");

    backend.close().await;

    assert!(backend.get(&[fresh_key()], None).await[0].is_err());
    assert!(backend.set(&fresh_key(), entry(b"value"), &always()).await.is_err());
    assert!(backend.ping().await.is_err());
}
