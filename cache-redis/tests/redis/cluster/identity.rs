//! Who a cluster is: all of its primaries together.

use cache_core::backend::{Backend, Slot};
use cache_test_servers::{Cluster, Flavour, Server, cluster_or_return};
use futures_util::future::join_all;
use tokio::task::block_in_place;

use super::{connect, fill, on_every_cluster, primary_of, slot, spread};
use crate::common::{eventually, invalidate, key, name, recovered};
use crate::identity::{Instance, RECORD, all, cut};

on_every_cluster! {
    a_replica_that_lagged_and_took_over_ends_everything_once
    nothing_is_read_from_who_took_over_before_that_is_told
    the_same_nodes_are_no_strangers
}

/// The cluster itself, and each of its primaries.
const AT_FIRST: usize = 4;

/// Returns an instance that is connected to all primaries.
async fn instance(cluster: &Cluster) -> Instance {
    let instance = Instance::of(connect(cluster));
    instance.backend.ping().await.unwrap();
    instance.ear.hears("Listening").await;
    instance
}

async fn the_same_nodes_are_no_strangers(cluster: Cluster) {
    let instance = instance(&cluster).await;
    let identity = instance.identified(None).await;
    let number = instance.generation().await;
    assert_eq!(instance.strangers(), AT_FIRST);

    for node in &cluster.nodes()[..3] {
        let before = instance.ear.count("Listening");
        node.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        eventually(|| async { instance.ear.count("Listening") > before }).await;
    }

    assert_eq!(instance.strangers(), AT_FIRST);
    assert_eq!(instance.identified(Some(&identity)).await, identity);
    assert_eq!(instance.generation().await, number);
    let keeper = cluster.primary_of_slot(Cluster::slot_of(all().as_bytes()));
    assert_eq!(keeper.cli(&["GET", RECORD]), identity.to_stored());
    assert_eq!(Cluster::slot_of(RECORD.as_bytes()), Cluster::slot_of(all().as_bytes()));
}

/// Whichever it is, and wherever the number of everything is.
async fn a_replica_that_lagged_and_took_over_ends_everything_once(cluster: Cluster) {
    let instances = [instance(&cluster).await, instance(&cluster).await, instance(&cluster).await];
    let one = &instances[0];
    let identity = one.identified(None).await;
    let number = one.generation().await;
    for instance in &instances {
        assert_eq!(instance.identified(None).await, identity);
    }
    let old = primary_of(&cluster, &key("a"));
    let replica = cluster.replica_of(old);
    one.store("a").await;
    block_in_place(|| cluster.wait_until_copied());

    cut(old, replica).await;
    invalidate(&one.backend, &[key("a")]).await;
    old.kill();
    for instance in &instances {
        eventually(|| async { instance.strangers() >= AT_FIRST + 2 }).await;
        recovered(&instance.backend).await;
        let has = || async { instance.backend.get(&[key("a")], None).await[0].is_ok() };
        eventually(has).await;
    }

    assert!(one.has("a").await, "what was invalidated is back");
    assert_eq!(one.generation().await, number);
    let asked = instances.iter().map(|instance| instance.identified(Some(&identity)));
    let answers = join_all(asked).await;
    assert_eq!(answers[0].turn(), identity.turn() + 1);
    assert_ne!(answers[0].name(), identity.name());
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_ne!(one.generation().await, number);
}

/// Redirections lead there before the map does.
async fn nothing_is_read_from_who_took_over_before_that_is_told(cluster: Cluster) {
    let instance = instance(&cluster).await;
    instance.store("a").await;
    let old = primary_of(&cluster, &key("a"));
    let new = cluster.replica_of(old);

    new.cli(&["CLUSTER", "FAILOVER"]);
    eventually(|| async { new.cli(&["ROLE"]).contains("master") }).await;
    new.cli(&["DEL", &name("a")]);

    eventually(|| async {
        let is_from_there = instance.backend.get(&[key("a")], None).await.remove(0);
        let is_from_there = is_from_there.is_ok_and(|slot| slot == Slot::Missing);
        assert!(!is_from_there || instance.strangers() > AT_FIRST);
        is_from_there
    })
    .await;
}

/// All of them must say who they are.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_a_primary_that_is_away_is_not_known() {
    let builder = Server::builder(Flavour::Valkey).config("cluster-node-timeout", "60000");
    let cluster = cluster_or_return!(builder);
    let instance = instance(&cluster).await;
    let keeper = cluster.primary_of_slot(Cluster::slot_of(all().as_bytes())).port();
    let other = cluster.nodes()[..3].iter().find(|node| node.port() != keeper).unwrap();

    other.kill();
    eventually(|| async { instance.identify(None).await.is_err() }).await;
    block_in_place(|| other.restart());

    eventually(|| async { instance.identify(None).await.is_ok() }).await;
    assert_eq!(instance.strangers(), AT_FIRST + 1);
}

/// A node to which slots are moved is none of those that the cluster is until it has one.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_gets_its_first_slot_makes_another_cluster() {
    let mut cluster = cluster_or_return!(Flavour::Redis);
    let port = cluster.add_node().unwrap().port();
    let node = cluster.nodes().iter().find(|node| node.port() == port).unwrap();
    let instance = instance(&cluster).await;
    let identity = instance.identified(None).await;
    let key = &spread(&cluster, 1)[0];
    fill(&instance.backend, std::slice::from_ref(key)).await;

    block_in_place(|| {
        cluster.begin_move(slot(key), node);
        cluster.move_keys(slot(key), node);
    });
    assert!(instance.backend.get(std::slice::from_ref(key), None).await[0].is_ok());
    assert_eq!(instance.strangers(), AT_FIRST);
    assert_eq!(instance.identified(Some(&identity)).await, identity);

    block_in_place(|| cluster.finish_move(slot(key), node));
    eventually(|| async { instance.strangers() > AT_FIRST }).await;
    let next = || async { instance.identified(Some(&identity)).await };
    assert_eq!(next().await.turn(), identity.turn() + 1);
}
