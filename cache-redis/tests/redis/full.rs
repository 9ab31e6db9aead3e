//! A server that is out of memory and evicts nothing.

use cache_core::backend::{AdvanceOptions, Backend, SetOutcome, Slot};
use cache_test_servers::{Flavour, server_or_return};

use crate::common::{LONG, always, connect, entry, get, invalidate, key, look, request, under};

#[tokio::test]
async fn a_full_server_still_serves_what_it_has() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let lease = request();
    let found = Slot::Entry(entry("old"));
    assert_eq!(
        backend.set(&key("old"), entry("old"), &always()).await.unwrap(),
        SetOutcome::Stored
    );
    assert_eq!(get(&backend, &[key("ours")], Some(&lease)).await, [Slot::Leased]);

    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);

    let keys = [key("old"), key("new"), key("ours")];
    let slots = get(&backend, &keys, Some(&lease)).await;
    assert_eq!(slots, [found.clone(), Slot::Missing, Slot::Leased]);
    let error = backend.set(&key("old"), entry("new"), &always()).await.unwrap_err();
    assert!(error.to_string().contains("maxmemory"), "{error}");
    let error = backend.set(&key("ours"), entry("new"), &under(lease.stamp)).await.unwrap_err();
    assert!(error.to_string().contains("maxmemory"), "{error}");
    assert_eq!(look(&backend, "old").await.unwrap(), found);
    invalidate(&backend, &[key("old")]).await;
    assert_eq!(look(&backend, "old").await.unwrap(), Slot::Missing);

    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(get(&backend, &[key("old")], Some(&lease)).await, [Slot::Leased]);
}

#[tokio::test]
async fn a_full_server_knows_no_new_generation_so_nothing_matches_it() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let groups: Vec<_> = key("a").groups().collect();
    let known = backend.generations(&groups[..1], LONG).await.unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);

    let first = backend.generations(&groups, LONG).await.unwrap();
    let second = backend.generations(&groups, LONG).await.unwrap();

    assert_eq!((first[0], second[0]), (known[0], known[0]));
    assert_ne!(first[1], second[1]);
}

#[tokio::test]
async fn on_a_full_server_groups_end_by_losing_their_numbers() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = server_or_return!(flavour);
        let backend = connect(&server);
        let groups: Vec<_> = key("a").user(1).groups().collect();
        let before = backend.generations(&groups, LONG).await.unwrap();
        server.cli(&["CONFIG", "SET", "maxmemory", "1"]);

        let held = AdvanceOptions::new(LONG).hold(Some(LONG));
        let error = backend.advance(&groups[..1], &held).await.unwrap_err();
        backend.advance(&groups[1..], &AdvanceOptions::new(LONG)).await.unwrap();

        assert!(error.to_string().contains("maxmemory"), "{error}");
        server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
        let after = backend.generations(&groups, LONG).await.unwrap();
        assert_eq!(after[0], before[0], "a hold cannot be kept");
        let pairs = || before.iter().zip(&after).skip(1);
        assert!(pairs().all(|(before, after)| before != after), "{before:?} {after:?}");
    }
}
