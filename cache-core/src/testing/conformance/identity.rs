//! The promises about who a store is.

use futures_util::future::join_all;

use super::LONG;
use crate::backend::{Backend, Identity};
use crate::group::{Generation, Group};

/// The group of everything, in a namespace of its own.
fn everything() -> Group {
    Group::all(format!("conformance{:016x}:", rand::random::<u64>()).as_bytes())
}

async fn identify(backend: &dyn Backend, all: &Group, seen: Option<&Identity>) -> Identity {
    backend.identify(all, seen).await.expect("identify")
}

async fn generation(backend: &dyn Backend, all: &Group) -> Generation {
    backend.generations(std::slice::from_ref(all), LONG).await.expect("generations")[0]
}

/// Whoever has seen it before, or nothing yet, agrees on who it is, and nothing ends.
pub async fn a_store_that_is_known_ends_nothing(backend: &dyn Backend) {
    let all = everything();
    let first = identify(backend, &all, None).await;
    let before = generation(backend, &all).await;

    assert_eq!(identify(backend, &all, None).await, first);
    assert_eq!(identify(backend, &all, Some(&first)).await, first);
    let older = Identity::new("another", first.turn() - 1);
    assert_eq!(identify(backend, &all, Some(&older)).await, first);

    assert_eq!(generation(backend, &all).await, before);
}

/// Many who have seen another take over since find it out at once; one of them ends everything.
pub async fn a_store_that_was_away_ends_everything_once(backend: &dyn Backend) {
    let all = everything();
    let first = identify(backend, &all, None).await;
    let before = generation(backend, &all).await;
    let stand_in = Identity::new("another", first.turn() + 1);

    let asked = (0..20).map(|_| identify(backend, &all, Some(&stand_in)));
    let answers = join_all(asked).await;

    assert_eq!((answers[0].name(), answers[0].turn()), (first.name(), first.turn() + 2));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_ne!(generation(backend, &all).await, before);
    let twin = Identity::new("another", answers[0].turn());
    assert_eq!(identify(backend, &all, Some(&twin)).await.turn(), twin.turn() + 1);
}
