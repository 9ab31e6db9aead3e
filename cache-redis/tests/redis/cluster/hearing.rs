//! News from all primaries.

use std::time::Duration;

use cache_core::backend::Backend;
use cache_test_servers::{Cluster, Flavour, Server, cluster_or_return};

use super::ears::Ears;
use super::{connect, fill, on_every_cluster, primary_of, slot, spread};
use crate::common::{LONG, eventually};

on_every_cluster! {
    changes_at_every_node_are_told
    a_lost_connection_ends_the_trust_until_it_is_back
    a_new_primary_ends_the_trust_until_it_is_heard
}

const SILENCE: Duration = Duration::from_secs(2);

async fn changes_at_every_node_are_told(cluster: Cluster) {
    let (backend, keys) = (connect(&cluster), spread(&cluster, 2));
    let ears = Ears::of(&backend, SILENCE);
    fill(&backend, &keys).await;
    ears.listening().await;

    for key in &keys {
        primary_of(&cluster, key).cli(&["DEL", key.as_str()]);
        ears.heard(key).await;
    }
    cluster.nodes()[1].cli(&["FLUSHALL"]);
    eventually(|| async { ears.flushes() == 1 }).await;
    assert_eq!(ears.turns(), 1);
}

async fn a_lost_connection_ends_the_trust_until_it_is_back(cluster: Cluster) {
    let backend = connect(&cluster);
    let ears = Ears::of(&backend, SILENCE);
    backend.ping().await.unwrap();
    ears.listening().await;

    for (index, node) in cluster.nodes()[..3].iter().enumerate() {
        node.disconnect_clients();
        eventually(|| async { ears.turns() == 2 * index + 3 }).await;
    }
}

/// That nobody reads from: it is seen by looking.
async fn a_new_primary_ends_the_trust_until_it_is_heard(mut cluster: Cluster) {
    let backend = connect(&cluster);
    let ears = Ears::of(&backend, SILENCE);
    let key = &spread(&cluster, 1)[0];
    fill(&backend, std::slice::from_ref(key)).await;
    ears.listening().await;

    let port = tokio::task::block_in_place(|| {
        let port = cluster.add_node().unwrap().port();
        let node = cluster.nodes().iter().find(|node| node.port() == port).unwrap();
        cluster.move_slot(slot(key), node);
        port
    });
    let moved = tokio::time::Instant::now();
    eventually(|| async { ears.turns() == 3 }).await;
    assert!(moved.elapsed() < SILENCE);

    assert_eq!(primary_of(&cluster, key).port(), port);
    primary_of(&cluster, key).cli(&["SET", key.as_str(), "x"]);
    ears.heard(key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_node_ends_the_trust_in_time() {
    let builder = Server::builder(Flavour::Redis).config("cluster-node-timeout", "60000");
    let cluster = cluster_or_return!(builder);
    let backend = connect(&cluster);
    let ears = Ears::of(&backend, SILENCE);
    backend.ping().await.unwrap();
    ears.listening().await;

    cluster.nodes()[2].stop();
    let noticed = eventually(|| async { !ears.are_listening() }).await;
    cluster.nodes()[2].resume();

    assert!(noticed < SILENCE + Duration::from_millis(500), "{noticed:?}");
    ears.listening().await;
}

/// One node refuses to tell: then there is no saying that all changes are told.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_tell_is_not_trusted() {
    let cluster = cluster_or_return!(Server::builder(Flavour::Valkey).user("app", "secret"));
    cluster.nodes()[1].cli(&["ACL", "SETUSER", "app", "-client|tracking"]);
    let backend = connect(&cluster);
    let ears = Ears::of(&backend, SILENCE);
    backend.ping().await.unwrap();
    backend.generations(&[], LONG).await.unwrap();
    let key = spread(&cluster, 1)
        .into_iter()
        .find(|key| primary_of(&cluster, key).port() == cluster.nodes()[0].port());
    let key = key.unwrap();
    primary_of(&cluster, &key).cli(&["SET", key.as_str(), "x"]);

    ears.heard(&key).await;

    assert!(!ears.are_listening());
}
