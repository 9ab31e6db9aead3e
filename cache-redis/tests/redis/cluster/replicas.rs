//! Look-ups at replicas.

use std::time::Duration;

use cache_core::backend::{Backend, SetOutcome, Slot};
use cache_redis::RedisBackend;
use cache_test_servers::{Cluster, Flavour, Server, cluster_or_return};

use super::{calls, config, connect, fill, on_every_cluster, primary_of, spread};
use crate::common::{LONG, entry, eventually, get, key, request, under};

on_every_cluster! {
    entries_are_read_from_replicas_and_leases_taken_at_primaries
    without_a_replica_the_primary_is_asked
}

fn reading(cluster: &Cluster) -> RedisBackend {
    RedisBackend::with_config(config(cluster).read_from_replicas(true)).unwrap()
}

fn gets(nodes: &[Server]) -> Vec<u64> {
    nodes.iter().map(|node| calls(node, "get")).collect()
}

/// Looks keys up until only replicas are asked.
async fn settled(cluster: &Cluster, backend: &RedisBackend, keys: &[cache_core::Key]) {
    tokio::task::block_in_place(|| cluster.wait_until_copied());
    let settled = || async {
        let before = gets(&cluster.nodes()[..3]);
        get(backend, keys, None).await;
        gets(&cluster.nodes()[..3]) == before
    };
    eventually(settled).await;
}

async fn entries_are_read_from_replicas_and_leases_taken_at_primaries(cluster: Cluster) {
    let (backend, keys) = (reading(&cluster), spread(&cluster, 5));
    assert!(backend.capabilities().lagging);
    assert!(!connect(&cluster).capabilities().lagging);
    fill(&backend, &keys).await;
    settled(&cluster, &backend, &keys).await;
    let sets = |nodes: &[Server]| nodes.iter().map(|node| calls(node, "set")).sum::<u64>();
    let (before, writes) = (gets(cluster.nodes()), sets(&cluster.nodes()[..3]));

    let missing = key("missing");
    let (all, lease) = ([&keys[..], std::slice::from_ref(&missing)].concat(), request());
    let slots = get(&backend, &all, Some(&lease)).await;

    let after = gets(cluster.nodes());
    assert_eq!(after[..3], before[..3], "primaries are not read from");
    let at_replicas = after[3..].iter().sum::<u64>() - before[3..].iter().sum::<u64>();
    assert_eq!(at_replicas, all.len() as u64);
    assert_eq!(sets(&cluster.nodes()[..3]) - writes, 1, "one look-up goes on to the primary");
    assert_eq!(slots[15], Slot::Leased);
    for (key, slot) in keys.iter().zip(&slots) {
        assert_eq!(*slot, Slot::Entry(entry(key.as_str())));
    }
    let filled = backend.set(&missing, entry("new"), &under(lease.stamp)).await.unwrap();
    assert_eq!(filled, SetOutcome::Stored);
    // Also if the replica does not have it yet.
    assert_eq!(get(&backend, &[missing], None).await, [Slot::Entry(entry("new"))]);
}

async fn without_a_replica_the_primary_is_asked(cluster: Cluster) {
    let (backend, keys) = (reading(&cluster), spread(&cluster, 2));
    fill(&backend, &keys).await;
    settled(&cluster, &backend, &keys).await;

    cluster.nodes()[3..].iter().for_each(|node| node.kill());

    for _ in 0..20 {
        let slots = get(&backend, &keys, Some(&request())).await;
        assert!(slots.iter().all(|slot| matches!(slot, Slot::Entry(_))));
    }
}

/// It would repeat for ever what was true when it heard its primary last.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_without_its_primary_is_not_believed() {
    let builder = Server::builder(Flavour::Redis).config("cluster-node-timeout", "60000");
    let cluster = cluster_or_return!(builder);
    let (backend, keys) = (reading(&cluster), spread(&cluster, 1));
    fill(&backend, &keys).await;
    settled(&cluster, &backend, &keys).await;

    primary_of(&cluster, &keys[0]).kill();

    let away = || async { backend.get(&keys[..1], None).await[0].is_err() };
    assert!(eventually(away).await < Duration::from_secs(5));
}

/// What is behind there would make entries wrongly valid.
#[tokio::test(flavor = "multi_thread")]
async fn generations_are_never_read_from_replicas() {
    let cluster = cluster_or_return!(Flavour::Valkey);
    let (backend, keys) = (reading(&cluster), spread(&cluster, 2));
    fill(&backend, &keys).await;
    settled(&cluster, &backend, &keys).await;
    let groups: Vec<_> = (0..20).flat_map(|user| key("x").user(user).groups().last()).collect();
    let before = gets(&cluster.nodes()[3..]);

    backend.generations(&groups, LONG).await.unwrap();
    backend.generations(&groups, LONG).await.unwrap();

    assert_eq!(gets(&cluster.nodes()[3..]), before);
}
