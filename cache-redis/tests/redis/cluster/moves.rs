//! Slots that move while they are used.

use std::time::Duration;

use cache_core::backend::{Backend, SetOutcome, Slot};
use cache_test_servers::{Cluster, Flavour, Server, cluster_or_return};

use super::ears::Ears;
use super::{connect, fill, on_every_cluster, slot, spread};
use crate::common::{entry, eventually, get, invalidate, key, look, request, under};

on_every_cluster! {
    a_slot_under_way_answers_for_every_key
    a_slot_that_has_moved_is_followed_and_then_known
    a_slot_that_is_taken_by_force_ends_what_is_near
}

/// Returns keys of one slot, its node, and another one.
fn of_one_slot(cluster: &Cluster) -> (Vec<cache_core::Key>, &Server, &Server) {
    let first = key("moving").arg(0);
    let rest = (1_u32..).map(|id| key("moving").arg(id)).filter(|key| slot(key) == slot(&first));
    let keys: Vec<_> = std::iter::once(first.clone()).chain(rest.take(3)).collect();
    let from = cluster.primary_of_slot(slot(&first));
    let to = cluster.nodes()[..3].iter().find(|node| node.port() != from.port()).unwrap();
    (keys, from, to)
}

async fn a_slot_under_way_answers_for_every_key(cluster: Cluster) {
    let (keys, _, to) = of_one_slot(&cluster);
    let (backend, others) = (connect(&cluster), spread(&cluster, 2));
    fill(&backend, &keys[..2]).await;
    fill(&backend, &others).await;
    let all: Vec<_> = keys.iter().chain(&others).cloned().collect();

    cluster.begin_move(slot(&keys[0]), to);
    cluster.move_keys(slot(&keys[0]), to);
    let lease = request();
    let slots = get(&backend, &all, Some(&lease)).await;

    assert_eq!(slots[0], Slot::Entry(entry(keys[0].as_str())));
    assert_eq!(slots[2..4], [Slot::Leased, Slot::Leased]);
    assert!(slots[4..].iter().all(|slot| matches!(slot, Slot::Entry(_))));
    let filled = backend.set(&keys[2], entry("new"), &under(lease.stamp)).await.unwrap();
    assert_eq!(filled, SetOutcome::Stored);
    assert!(backend.holds(&keys[3], &lease.stamp).await.unwrap());
    backend.release(&keys[3], &lease.stamp).await.unwrap();
    invalidate(&backend, &keys[1..2]).await;
    let expected = [Slot::Entry(entry(keys[0].as_str())), Slot::Missing, Slot::Entry(entry("new"))];
    assert_eq!(get(&backend, &keys[..3], None).await, expected);
    assert_eq!(to.cli(&["CLUSTER", "COUNTKEYSINSLOT", &slot(&keys[0]).to_string()]), "2");
}

async fn a_slot_that_has_moved_is_followed_and_then_known(cluster: Cluster) {
    let (keys, from, to) = of_one_slot(&cluster);
    let backend = connect(&cluster);
    fill(&backend, &keys).await;

    tokio::task::block_in_place(|| cluster.move_slot(slot(&keys[0]), to));

    assert_eq!(get(&backend, &keys, None).await.len(), keys.len());
    // Redirections end, because the map is brought up to date.
    let is_known = || async {
        let before = moved(from);
        assert!(get(&backend, &keys, None).await.iter().all(|it| matches!(it, Slot::Entry(_))));
        moved(from) == before
    };
    assert!(eventually(is_known).await < Duration::from_secs(2));
}

fn moved(server: &Server) -> String {
    let stats = server.cli(&["INFO", "errorstats"]);
    stats.lines().find(|line| line.starts_with("errorstat_MOVED")).unwrap_or_default().to_owned()
}

/// A slot that another node takes while keys are left in it, as repairs do. Redis 7.0 drops them in
/// silence; later changes of theirs would not be told, as nothing is there any more.
async fn a_slot_that_is_taken_by_force_ends_what_is_near(cluster: Cluster) {
    let (keys, from, to) = of_one_slot(&cluster);
    let backend = connect(&cluster);
    let ears = Ears::of(&backend, Duration::from_secs(2));
    fill(&backend, &keys).await;
    ears.listening().await;

    let number = slot(&keys[0]).to_string();
    let id = |server: &Server| server.cli(&["CLUSTER", "MYID"]);
    to.cli(&["CLUSTER", "SETSLOT", &number, "IMPORTING", &id(from)]);
    to.cli(&["CLUSTER", "SETSLOT", &number, "NODE", &id(to)]);

    eventually(|| async { ears.flushes() > 0 }).await;
    assert_eq!(ears.turns(), 1, "no primary came or went");
}

/// Redirections to a node that serves nothing yet do not wait for the next look.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_slots_is_found_by_its_first_one() {
    let mut cluster = cluster_or_return!(Flavour::Redis);
    let port = cluster.add_node().unwrap().port();
    let (backend, key) = (connect(&cluster), key("first"));
    let ears = Ears::of(&backend, Duration::from_secs(2));
    fill(&backend, std::slice::from_ref(&key)).await;
    ears.listening().await;

    let node = cluster.nodes().iter().find(|node| node.port() == port).unwrap();
    tokio::task::block_in_place(|| {
        cluster.begin_move(slot(&key), node);
        cluster.move_keys(slot(&key), node);
    });
    assert!(matches!(look(&backend, "first").await, Ok(Slot::Entry(_))));
    assert!(ears.turns() >= 2, "what is read there must be told from there");

    tokio::task::block_in_place(|| cluster.finish_move(slot(&key), node));
    ears.listening().await;
    node.cli(&["DEL", key.as_str()]);
    ears.heard(&key).await;
}
