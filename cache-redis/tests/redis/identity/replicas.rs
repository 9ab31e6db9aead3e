//! Replicas that lag behind and take over.

use cache_core::backend::Identity;
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Flavour, SentinelSet, Server, sentinel_or_return, server_or_return};
use tokio::task::block_in_place;

use super::{Instance, RECORD};
use crate::common::{eventually, invalidate, key, name, recovered};

/// Has a replica lose its primary, which goes on without it.
pub(crate) async fn cut(primary: &Server, replica: &Server) {
    replica.cli(&["CONFIG", "SET", "masteruser", "nobody"]);
    replica.cli(&["CONFIG", "SET", "masterauth", "wrong"]);
    primary.cli(&["CLIENT", "KILL", "TYPE", "replica"]);
    has_field(replica, "master_link_status:down").await;
}

async fn has_field(server: &Server, field: &str) {
    let has = || async { server.cli(&["INFO", "replication"]).lines().any(|it| it == field) };
    eventually(has).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lagged_and_took_over_ends_everything() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let set = sentinel_or_return!(flavour);
        let urls = set.addresses().into_iter().map(|(host, port)| format!("redis://{host}:{port}"));
        let config = RedisConfig::sentinel(SentinelSet::NAME, urls).unwrap();
        let instance = Instance::of(RedisBackend::with_config(config).unwrap());
        let identity = instance.identified(None).await;
        instance.store("a").await;
        let number = instance.generation().await;
        block_in_place(|| set.wait_until_copied());
        let (primary, replica) = (set.primary(), set.replica());

        cut(primary, replica).await;
        invalidate(&instance.backend, &[key("a")]).await;
        primary.kill();
        eventually(|| async { instance.strangers() == 2 }).await;
        recovered(&instance.backend).await;

        assert!(instance.has("a").await, "what was invalidated is back");
        assert_eq!(replica.cli(&["GET", RECORD]), identity.to_stored());
        let next = instance.identified(Some(&identity)).await;
        assert_eq!(next.turn(), identity.turn() + 1);
        assert_ne!(next.name(), identity.name());
        assert_ne!(instance.generation().await, number);
    }
}

/// The same process all the time: but what it has is what the replica had.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_was_a_replica_in_between_is_another() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let (primary, replica) = (server_or_return!(flavour), server_or_return!(flavour));
        let follow = |server: &Server, of: &Server| {
            server.cli(&["REPLICAOF", of.host(), &of.port().to_string()]);
        };
        let instance = Instance::at(&primary.url());
        let identity = instance.identified(None).await;
        follow(&replica, &primary);
        has_field(&replica, "master_link_status:up").await;
        let identity = reidentified(&instance, &primary, identity).await;
        instance.store("a").await;
        let number = instance.generation().await;
        eventually(|| async { replica.cli(&["EXISTS", &name("a")]) == "1" }).await;

        replica.cli(&["REPLICAOF", "NO", "ONE"]);
        invalidate(&instance.backend, &[key("a")]).await;
        follow(&primary, &replica);
        has_field(&primary, "master_link_status:up").await;
        primary.cli(&["REPLICAOF", "NO", "ONE"]);
        let strangers = instance.strangers();
        instance.reconnected(&primary).await;

        assert!(instance.has("a").await, "what was invalidated is back");
        assert_eq!(instance.strangers(), strangers + 1);
        let next = instance.identified(Some(&identity)).await;
        assert_eq!(next.turn(), identity.turn() + 1);
        assert_ne!(instance.generation().await, number);
    }
}

/// A server that gets its first replica counts as another, at the next connection.
async fn reidentified(instance: &Instance, primary: &Server, seen: Identity) -> Identity {
    instance.reconnected(primary).await;
    instance.identified(Some(&seen)).await
}
