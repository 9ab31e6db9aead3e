//! Many callers, one connection.

use std::time::Duration;

use cache_core::backend::{Backend, SetOutcome, Slot};
use cache_test_servers::{Flavour, server_or_return};
use tokio::task::JoinSet;

use crate::common::{connect, connections, entry, get, key, look, request, under};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_callers_share_one_connection() {
    const CALLERS: usize = 500;
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let mut callers = JoinSet::new();

    for id in 0..CALLERS {
        let backend = backend.clone();
        callers.spawn(async move {
            let (id, lease) = (id.to_string(), request());
            let slots = get(&backend, &[key(&id)], Some(&lease)).await;
            assert_eq!(slots, [Slot::Leased]);
            let filled = backend.set(&key(&id), entry(&id), &under(lease.stamp)).await.unwrap();
            assert_eq!(filled, SetOutcome::Stored);
            assert_eq!(look(&backend, &id).await.unwrap(), Slot::Entry(entry(&id)));
        });
    }

    assert_eq!(callers.join_all().await.len(), CALLERS);
    assert_eq!(connections(&server).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_give_up_disturb_nobody() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    assert_eq!(look(&backend, "a").await.unwrap(), Slot::Missing);
    let before = connections(&server);
    let impatient = tokio::spawn({
        let backend = backend.clone();
        async move {
            for _ in 0..2_000 {
                let _ = tokio::time::timeout(Duration::ZERO, look(&backend, "a")).await;
            }
        }
    });

    while !impatient.is_finished() {
        assert_eq!(look(&backend, "a").await.unwrap(), Slot::Missing);
    }

    assert_eq!(connections(&server), before);
}
