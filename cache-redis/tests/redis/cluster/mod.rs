//! Many servers, each with a part of the keys.

mod ears;
mod failover;
mod hearing;
mod identity;
mod lifetime;
mod moves;
mod replicas;
mod routing;

use std::collections::HashMap;

use cache_core::Key;
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Cluster, Server};

use crate::common::{always, entry, key};

/// Runs tests on a fresh cluster of each kind.
macro_rules! on_every_cluster {
    ($($name:ident)*) => {
        $crate::cluster::on!(redis_7, Redis: $($name)*);
        $crate::cluster::on!(valkey_8, Valkey: $($name)*);
    };
}

macro_rules! on {
    ($module:ident, $flavour:ident: $($name:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let flavour = cache_test_servers::Flavour::$flavour;
                super::$name(cache_test_servers::cluster_or_return!(flavour)).await;
            })*
        }
    };
}

use {on, on_every_cluster};

fn config(cluster: &Cluster) -> RedisConfig {
    RedisConfig::cluster(&cluster.seeds()[..3]).unwrap()
}

fn connect(cluster: &Cluster) -> RedisBackend {
    RedisBackend::with_config(config(cluster)).unwrap()
}

fn slot(key: &Key) -> u16 {
    Cluster::slot_of(key.as_bytes())
}

fn primary_of<'a>(cluster: &'a Cluster, key: &Key) -> &'a Server {
    cluster.primary_of_slot(slot(key))
}

/// Returns keys, as many on each of the first three nodes as on the others.
fn spread(cluster: &Cluster, each: usize) -> Vec<Key> {
    let mut counts = HashMap::<u16, usize>::new();
    let mut keys = Vec::new();
    for key in (0_u32..).map(|id| key("spread").arg(id)) {
        let count = counts.entry(primary_of(cluster, &key).port()).or_default();
        if *count < each {
            *count += 1;
            keys.push(key);
        }
        if keys.len() == 3 * each {
            break;
        }
    }
    keys
}

/// Stores an entry under each key.
async fn fill(backend: &RedisBackend, keys: &[Key]) {
    use cache_core::backend::Backend;
    for key in keys {
        let stored = backend.set(key, entry(key.as_str()), &always()).await;
        assert!(stored.is_ok(), "{stored:?}");
    }
}

/// Returns how often a node performed a command.
fn calls(server: &Server, command: &str) -> u64 {
    let stats = server.cli(&["INFO", "commandstats"]);
    let prefix = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(&prefix));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}
