//! The promises about tombstones and stamps.

use std::time::Duration;

use super::{end, entry, fill, fresh_key, gone, look, request, set, under};
use crate::backend::{Backend, SetOutcome, Slot};
use crate::wire::Stamp;

/// Under a tombstone nothing is there, no lease can be taken, and fills under older leases fail.
pub async fn a_tombstone_keeps_leases_and_fills_away(backend: &dyn Backend) {
    let (key, filled, lease) = (fresh_key(), fresh_key(), request());
    assert_eq!(look(backend, &key, Some(&lease)).await, Slot::Leased);
    fill(backend, &filled, &entry(b"value")).await;

    let keys = [key.clone(), filled];
    end(backend, &keys, Some(Duration::from_millis(300))).await;

    for key in &keys {
        assert_eq!(look(backend, key, Some(&request())).await, Slot::Held);
        assert_eq!(look(backend, key, None).await, Slot::Missing);
    }
    let late = set(backend, &key, &entry(b"late"), &under(lease.stamp)).await;
    assert_eq!(late, SetOutcome::Refused);
    end(backend, &keys[1..], None).await;
    assert_eq!(look(backend, &keys[1], Some(&request())).await, Slot::Leased);
    gone(backend, &key).await;
    while look(backend, &key, Some(&request())).await == Slot::Held {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Whether an entry is still there can be asked without reading it.
pub async fn a_stamp_is_held_until_something_else_is_there(backend: &dyn Backend) {
    let (key, bytes, lease) = (fresh_key(), entry(b"value"), request());
    let holds = async |stamp| backend.holds(&key, &stamp).await.expect("holds");
    assert!(!holds(lease.stamp).await);
    assert_eq!(look(backend, &key, Some(&lease)).await, Slot::Leased);
    assert!(holds(lease.stamp).await);

    assert_eq!(set(backend, &key, &bytes, &under(lease.stamp)).await, SetOutcome::Stored);

    assert!(!holds(lease.stamp).await);
    assert!(holds(Stamp::of(&bytes)).await);
    end(backend, std::slice::from_ref(&key), None).await;
    assert!(!holds(Stamp::of(&bytes)).await);
}
