//! What a cluster promises.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use cache_test_servers::{Cluster, Flavour, Reply, Server, cluster_or_return};

#[test]
fn a_redis_cluster_keeps_keys_on_every_primary() {
    keeps_keys_on_every_primary(cluster_or_return!(Flavour::Redis));
}

#[test]
fn a_valkey_cluster_keeps_keys_on_every_primary() {
    keeps_keys_on_every_primary(cluster_or_return!(Flavour::Valkey));
}

#[test]
fn a_redis_cluster_survives_the_loss_of_a_primary() {
    survives_the_loss_of_a_primary(cluster_or_return!(Flavour::Redis));
}

#[test]
fn a_valkey_cluster_survives_the_loss_of_a_primary() {
    survives_the_loss_of_a_primary(cluster_or_return!(Flavour::Valkey));
}

#[test]
fn a_slot_of_redis_moves_with_its_keys() {
    moves_a_slot_with_its_keys(cluster_or_return!(Flavour::Redis));
}

#[test]
fn a_slot_of_valkey_moves_with_its_keys() {
    moves_a_slot_with_its_keys(cluster_or_return!(Flavour::Valkey));
}

#[test]
fn a_node_that_joins_takes_a_slot_and_its_keys() {
    let builder = Server::builder(Flavour::Redis).password("pass \"word");
    let mut cluster = cluster_or_return!(builder);
    let slot = Cluster::slot_of(b"key");
    cluster.primary_of_slot(slot).cli(&["SET", "key", "value"]);

    let port = cluster.add_node().unwrap().port();
    let new = &cluster.nodes()[6];
    cluster.move_slot(slot, new);

    assert_eq!(new.port(), port);
    assert_eq!(new.cli(&["GET", "key"]), "value");
    assert!(cluster.seeds()[6].starts_with("redis://:pass%20%22word@127.0.0.1:"));
}

#[test]
fn a_cluster_with_tls_is_of_one_authority() {
    let cluster = cluster_or_return!(Server::builder(Flavour::Valkey).tls());
    let [first, second] = [&cluster.nodes()[0], &cluster.nodes()[1]];

    assert!(cluster.seeds().iter().all(|seed| seed.starts_with("rediss://")));
    assert_eq!(first.ca_cert_pem().text(), second.ca_cert_pem().text());
    moves_a_slot_with_its_keys(cluster);
}

#[test]
fn a_stopped_primary_is_replaced() {
    let cluster = cluster_or_return!(Flavour::Valkey);
    let primary = primary_of(&cluster, "key");

    primary.stop();
    cluster.wait_until_ok();
    let new = primary_of(&cluster, "key");

    assert_ne!(new.port(), primary.port());
    primary.resume();
    cluster.wait_until_ok();
    assert_eq!(cluster.replica_of(new).port(), primary.port());
}

fn keeps_keys_on_every_primary(cluster: Cluster) {
    let keys: Vec<_> = (0..60).map(|number| format!("key-{number}")).collect();

    for key in &keys {
        primary_of(&cluster, key).cli(&["SET", key, key]);
    }

    assert_eq!(cluster.nodes().len(), 6);
    for primary in &cluster.nodes()[..3] {
        assert!(cluster.seeds().contains(&primary.url()));
        assert!(primary.cli(&["DBSIZE"]).parse::<u32>().unwrap() > 0);
    }
    for key in &keys {
        assert_eq!(primary_of(&cluster, key).cli(&["GET", key]), *key);
    }
}

fn survives_the_loss_of_a_primary(cluster: Cluster) {
    let primary = primary_of(&cluster, "key");
    let replica = cluster.replica_of(primary);
    primary.cli(&["SET", "key", "value"]);
    cluster.wait_until_copied();

    primary.kill();
    cluster.wait_until_ok();

    assert_eq!(primary_of(&cluster, "key").port(), replica.port());
    assert_eq!(replica.cli(&["GET", "key"]), "value");
    primary.restart();
    cluster.wait_until_ok();
    assert_eq!(cluster.replica_of(replica).port(), primary.port());
}

fn moves_a_slot_with_its_keys(cluster: Cluster) {
    let slot = Cluster::slot_of(b"{tag}");
    let from = cluster.primary_of_slot(slot);
    let to = cluster.nodes()[..3].iter().find(|node| node.port() != from.port()).unwrap();
    let keys: Vec<_> = (0..250).map(|number| format!("{{tag}}{number}")).collect();
    for key in &keys {
        from.cli(&["SET", key, key]);
    }

    cluster.begin_move(slot, to);
    assert!(refusal(from, "{tag}new").starts_with(&format!("ASK {slot} ")));
    assert!(refusal(to, "{tag}0").starts_with(&format!("MOVED {slot} ")));
    assert_eq!(from.cli(&["GET", "{tag}0"]), "{tag}0");
    cluster.finish_move(slot, to);

    assert_eq!(cluster.primary_of_slot(slot).port(), to.port());
    assert!(refusal(from, "{tag}0").starts_with(&format!("MOVED {slot} ")));
    for key in &keys {
        assert_eq!(to.cli(&["GET", key]), *key);
    }
}

fn primary_of<'a>(cluster: &'a Cluster, key: &str) -> &'a Server {
    cluster.primary_of_slot(Cluster::slot_of(key.as_bytes()))
}

fn refusal(server: &Server, key: &str) -> String {
    match server.command(&["GET", key]).unwrap() {
        Reply::Error(text) => text,
        reply => panic!("{reply:?}"),
    }
}
