//! Commands and the nodes that they go to.

use std::time::{Duration, Instant};

use cache_core::Group;
use cache_core::backend::{AdvanceOptions, Backend, InvalidateOptions, SetOutcome, Slot};
use cache_redis::RedisBackend;
use cache_test_servers::{Cluster, Flavour, Server, cluster_or_return, server_or_return};

use super::{calls, config, connect, fill, on_every_cluster, primary_of, spread};
use crate::common::{LONG, eventually, failing, get, invalidate, key, recovered, request, under};

on_every_cluster! {
    a_batch_is_one_round_trip_to_each_node
    each_node_learns_a_script_by_itself
    groups_are_advanced_in_order_and_not_past_a_failure
}

/// Commands as counted by each primary; reads from the socket tell that they came together.
async fn a_batch_is_one_round_trip_to_each_node(cluster: Cluster) {
    const EACH: usize = 100;
    let (backend, keys) = (connect(&cluster), spread(&cluster, EACH));
    fill(&backend, &keys).await;
    let before: Vec<_> =
        cluster.nodes().iter().map(|node| (calls(node, "get"), reads(node))).collect();

    let slots = get(&backend, &keys, None).await;

    for (node, (gets, reads_before)) in cluster.nodes()[..3].iter().zip(&before) {
        assert_eq!(calls(node, "get") - gets, EACH as u64);
        // Other nodes, our own `INFO`s and looks at the topology are read from too.
        assert!(reads(node) - reads_before < EACH as u64 / 2);
    }
    for (node, (gets, _)) in cluster.nodes()[3..].iter().zip(&before[3..]) {
        assert_eq!(calls(node, "get"), *gets);
    }
    for (key, slot) in keys.iter().zip(slots) {
        assert_eq!(slot, Slot::Entry(crate::common::entry(key.as_str())));
    }
    invalidate(&backend, &keys).await;
    assert!(get(&backend, &keys, None).await.iter().all(|slot| *slot == Slot::Missing));
}

fn reads(server: &Server) -> u64 {
    let stats = server.cli(&["INFO", "stats"]);
    let count = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
    count.unwrap().parse().unwrap()
}

async fn each_node_learns_a_script_by_itself(cluster: Cluster) {
    let (backend, keys) = (connect(&cluster), spread(&cluster, 2));

    for round in 0..2 {
        let lease = request();
        assert!(get(&backend, &keys, Some(&lease)).await.iter().all(|slot| *slot == Slot::Leased));
        for key in &keys {
            let filled = backend.set(key, crate::common::entry("x"), &under(lease.stamp)).await;
            assert_eq!(filled.unwrap(), SetOutcome::Stored);
        }
        for node in &cluster.nodes()[..3] {
            assert_eq!(calls(node, "eval"), round + 1);
            node.cli(&["SCRIPT", "FLUSH"]);
        }
        invalidate(&backend, &keys).await;
    }
}

async fn groups_are_advanced_in_order_and_not_past_a_failure(cluster: Cluster) {
    let backend = connect(&cluster);
    let at = |node: usize| {
        let port = cluster.nodes()[node].port();
        let groups = (0_u32..).map(|user| key("x").user(user).groups().last().unwrap());
        let mut on_it = groups.filter(|group| {
            cluster.primary_of_slot(Cluster::slot_of(group.as_bytes())).port() == port
        });
        on_it.next().unwrap()
    };
    let groups = [at(0), at(1), at(2)];
    let before = backend.generations(&groups, LONG).await.unwrap();
    cluster.nodes()[1].kill();
    let away = || async { backend.generations(&groups[1..2], LONG).await.is_err() };
    eventually(away).await;

    let advanced = backend.advance(&groups, &AdvanceOptions::new(LONG)).await;

    assert!(advanced.is_err());
    let after = |group: usize| {
        let (backend, group) = (&backend, groups[group].clone());
        async move { backend.generations(&[group], LONG).await }
    };
    let (first, last) = (after(0).await, after(2).await);
    // If the cluster as a whole is down by now, both are not known.
    assert!(first.is_err() || first.unwrap()[0] != before[0]);
    assert!(last.is_err() || last.unwrap()[0] == before[2]);
}

/// As seen by whoever comes first: without waiting, once it is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_fails_its_own_keys_only() {
    // Long enough for nobody to take its place.
    let builder = Server::builder(Flavour::Redis).config("cluster-node-timeout", "60000");
    let cluster = cluster_or_return!(builder);
    let config = config(&cluster).response_timeout(Duration::from_millis(300));
    let backend = RedisBackend::with_config(config).unwrap();
    let keys = spread(&cluster, 10);
    fill(&backend, &keys).await;
    let stopped = primary_of(&cluster, &keys[0]);
    let is_its = |key| primary_of(&cluster, key).port() == stopped.port();
    let its: Vec<_> = keys.iter().map(is_its).collect();

    stopped.stop();
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let started = Instant::now();
        let slots = backend.get(&keys, None).await;
        quickest = quickest.min(started.elapsed());
        for (slot, is_its) in slots.iter().zip(&its) {
            assert_eq!(slot.is_err(), *is_its, "{slot:?}");
        }
        let ended = backend.invalidate(&keys, &InvalidateOptions::default()).await;
        assert_eq!(ended.iter().map(Result::is_err).collect::<Vec<_>>(), its);
    }
    assert!(quickest < Duration::from_millis(50), "{quickest:?}");
    failing(&backend, "does not answer").await;
    stopped.resume();

    recovered(&backend).await;
    assert_eq!(get(&backend, &keys, None).await.len(), keys.len());
}

#[tokio::test]
async fn a_cluster_that_is_taken_for_one_server_is_named() {
    let cluster = cluster_or_return!(Flavour::Valkey);
    let backend = RedisBackend::new(&cluster.seeds()[0]).unwrap();

    let error = backend.ping().await.unwrap_err();

    assert!(error.to_string().contains("`redis+cluster://`"), "{error}");
}

#[tokio::test]
async fn one_server_that_is_taken_for_a_cluster_is_named() {
    let server = server_or_return!(Flavour::Redis);
    let url = server.url().replace("redis://", "redis+cluster://");
    let backend = RedisBackend::new(&url).unwrap();

    let error = backend.ping().await.unwrap_err();

    assert!(error.to_string().contains("without `+cluster`"), "{error}");
}

#[tokio::test]
async fn nodes_without_slots_are_named() {
    let server =
        server_or_return!(Server::builder(Flavour::Redis).config("cluster-enabled", "yes"));
    let backend = RedisBackend::new(&server.url().replace("redis", "redis+cluster")).unwrap();

    let error = backend.ping().await.unwrap_err();

    assert!(error.to_string().contains("serves nothing yet"), "{error}");
}

/// A user and a password of their own, known to all nodes.
#[tokio::test]
async fn all_nodes_are_logged_in_to() {
    let builder = Server::builder(Flavour::Valkey).user("app", "se#cret");
    let cluster = cluster_or_return!(builder);
    let hosts: Vec<_> =
        cluster.nodes().iter().map(|node| format!("{}:{}", node.host(), node.port())).collect();
    let url = format!("valkey+cluster://app:se%23cret@{}", hosts.join(","));
    let backend = RedisBackend::new(&url).unwrap();

    let keys = spread(&cluster, 1);
    fill(&backend, &keys).await;

    assert_eq!(get(&backend, &keys, None).await.len(), 3);
}

/// Groups are read and made on whichever nodes they are.
#[tokio::test]
async fn generations_come_from_all_nodes() {
    let cluster = cluster_or_return!(Flavour::Redis);
    let backend = connect(&cluster);
    let groups: Vec<Group> =
        (0..50).map(|user| key("x").user(user).groups().last().unwrap()).collect();
    let name = String::from_utf8(groups[3].as_bytes().to_vec()).unwrap();
    cluster.primary_of_slot(Cluster::slot_of(name.as_bytes())).cli(&["LPUSH", &name, "x"]);

    let first = backend.generations(&groups, LONG).await.unwrap();
    let second = backend.generations(&groups, LONG).await.unwrap();

    assert_eq!(first, second);
    assert_eq!(first.len(), groups.len());
}
