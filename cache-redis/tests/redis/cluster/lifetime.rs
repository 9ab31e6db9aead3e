//! Seeds, the end of tasks, and clusters that are away as a whole.

use cache_core::backend::Backend;
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Cluster, Flavour, cluster_or_return};
use tokio::runtime::{self, Handle};

use super::{connect, fill, on_every_cluster, spread};
use crate::common::{connections, eventually, get, recovered};

on_every_cluster! {
    a_cluster_that_is_down_at_the_start_is_used_once_it_is_up
    nodes_that_no_seed_names_are_known_when_all_seeds_are_gone
    replicas_are_found_when_no_primary_is_left
}

async fn a_cluster_that_is_down_at_the_start_is_used_once_it_is_up(cluster: Cluster) {
    cluster.nodes().iter().for_each(|node| node.kill());
    let backend = connect(&cluster);

    let error = backend.ping().await.unwrap_err();
    assert!(error.to_string().contains("nothing listens"), "{error}");
    tokio::task::block_in_place(|| {
        cluster.nodes().iter().for_each(|node| node.restart());
        cluster.wait_until_ok();
    });

    recovered(&backend).await;
    fill(&backend, &spread(&cluster, 1)).await;
}

/// With everything gone that was connected, those that were only heard of are asked.
async fn replicas_are_found_when_no_primary_is_left(cluster: Cluster) {
    let (backend, keys) = (connect(&cluster), spread(&cluster, 1));
    fill(&backend, &keys).await;
    cluster.nodes()[..3].iter().for_each(|node| node.kill());

    for replica in &cluster.nodes()[3..] {
        replica.cli(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    }

    recovered(&backend).await;
    assert_eq!(get(&backend, &keys, None).await.len(), 3);
}

async fn nodes_that_no_seed_names_are_known_when_all_seeds_are_gone(cluster: Cluster) {
    let nobody = "redis://127.0.0.1:1".to_owned();
    let seed = cluster.seeds()[0].clone();
    let backend = RedisBackend::with_config(RedisConfig::cluster([nobody, seed]).unwrap()).unwrap();
    let keys = spread(&cluster, 1);
    fill(&backend, &keys).await;

    cluster.nodes()[0].kill();
    tokio::task::block_in_place(|| cluster.wait_until_ok());

    recovered(&backend).await;
    assert_eq!(get(&backend, &keys, None).await.len(), 3);
}

#[tokio::test]
async fn tasks_and_connections_end_with_the_last_handle() {
    let cluster = cluster_or_return!(Flavour::Redis);
    let tasks = Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    let backend = connect(&cluster);
    let clone = backend.clone();
    backend.ping().await.unwrap();
    assert!(tasks.num_alive_tasks() >= before + 4, "one for each primary, and one that looks");

    drop(backend);
    clone.ping().await.unwrap();
    drop(clone);

    eventually(|| async { tasks.num_alive_tasks() == before }).await;
    let is_left = |node| connections(node).is_empty();
    eventually(|| async { cluster.nodes().iter().all(is_left) }).await;
}

#[tokio::test]
async fn a_closed_backend_stays_closed() {
    let cluster = cluster_or_return!(Flavour::Valkey);
    let tasks = Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    let backend = connect(&cluster);
    backend.ping().await.unwrap();

    backend.close().await;

    assert_eq!(tasks.num_alive_tasks(), before);
    assert!(backend.ping().await.unwrap_err().to_string().contains("closed"));
    backend.close().await;
}

#[tokio::test]
async fn attempts_to_find_a_cluster_end_with_the_last_handle() {
    let tasks = Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    let backend = RedisBackend::new("redis+cluster://127.0.0.1:1,127.0.0.1:2").unwrap();
    assert!(backend.ping().await.is_err());
    assert_eq!(tasks.num_alive_tasks(), before + 1);

    drop(backend);

    eventually(|| async { tasks.num_alive_tasks() == before }).await;
}

#[test]
fn a_backend_outlives_the_runtime_of_its_first_caller() {
    let cluster = cluster_or_return!(Flavour::Redis);
    let backend = connect(&cluster);

    for _ in 0..3 {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(backend.ping()).unwrap();
    }
}
