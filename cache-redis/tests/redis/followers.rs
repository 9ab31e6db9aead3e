//! Look-ups at the replicas that sentinels list.

use std::time::Duration;

use cache_core::Key;
use cache_core::backend::{Backend, SetOutcome, Slot};
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Flavour, SentinelSet, Server, sentinel_or_return};
use tokio::runtime::Handle;

use crate::common::{LONG, always, entry, eventually, get, key, recovered, request, under};

fn reading(set: &SentinelSet) -> RedisBackend {
    let urls = set.addresses().into_iter().map(|(host, port)| format!("redis://{host}:{port}"));
    let config = RedisConfig::sentinel(SentinelSet::NAME, urls).unwrap();
    RedisBackend::with_config(config.read_from_replicas(true)).unwrap()
}

fn gets(server: &Server) -> String {
    let stats = server.cli(&["INFO", "commandstats"]);
    stats.lines().find(|line| line.starts_with("cmdstat_get:")).unwrap_or_default().to_owned()
}

/// Looks a key up until only the replica is asked.
async fn settled(set: &SentinelSet, backend: &RedisBackend, key: &Key) {
    tokio::task::block_in_place(|| set.wait_until_copied());
    let settled = || async {
        let before = gets(set.primary());
        get(backend, std::slice::from_ref(key), None).await;
        gets(set.primary()) == before
    };
    eventually(settled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_read_from_replicas_and_all_else_is_the_primarys() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let set = sentinel_or_return!(flavour);
        let (backend, known, missing) = (reading(&set), key("known"), key("missing"));
        assert!(backend.capabilities().lagging);
        assert_eq!(backend.set(&known, entry("a"), &always()).await.unwrap(), SetOutcome::Stored);
        settled(&set, &backend, &known).await;
        let (primary, replica) = (gets(set.primary()), gets(set.replica()));

        let lease = request();
        let slots = get(&backend, &[known, missing.clone()], Some(&lease)).await;
        let groups: Vec<_> = missing.groups().collect();
        backend.generations(&groups, LONG).await.unwrap();

        assert_eq!(slots, [Slot::Entry(entry("a")), Slot::Leased]);
        assert_eq!(gets(set.primary()), primary);
        assert_ne!(gets(set.replica()), replica);
        let filled = backend.set(&missing, entry("b"), &under(lease.stamp)).await.unwrap();
        assert_eq!(filled, SetOutcome::Stored);
        assert_eq!(get(&backend, &[missing], None).await, [Slot::Entry(entry("b"))]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_replica_the_primary_is_asked() {
    let set = sentinel_or_return!(Flavour::Redis);
    let (backend, known) = (reading(&set), key("known"));
    assert_eq!(backend.set(&known, entry("a"), &always()).await.unwrap(), SetOutcome::Stored);
    settled(&set, &backend, &known).await;

    set.replica().kill();

    for _ in 0..20 {
        let slots = get(&backend, std::slice::from_ref(&known), Some(&request())).await;
        assert_eq!(slots, [Slot::Entry(entry("a"))]);
    }
}

/// The replica becomes the primary, and the primary a replica.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_the_other_one_is_read_from() {
    let set = sentinel_or_return!(Flavour::Valkey);
    let (backend, known) = (reading(&set), key("known"));
    assert_eq!(backend.set(&known, entry("a"), &always()).await.unwrap(), SetOutcome::Stored);
    settled(&set, &backend, &known).await;

    tokio::task::block_in_place(|| {
        let old = set.primary();
        set.fail_over();
        set.wait_for_new_primary(old);
        set.wait_until_ok();
    });

    recovered(&backend).await;
    let is_stored = || async { backend.set(&known, entry("b"), &always()).await.is_ok() };
    eventually(is_stored).await;
    settled(&set, &backend, &known).await;
    assert_eq!(get(&backend, &[known], None).await, [Slot::Entry(entry("b"))]);
}

#[tokio::test]
async fn tasks_end_with_the_last_handle() {
    let set = sentinel_or_return!(Flavour::Redis);
    let tasks = Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    for is_closed in [true, false] {
        let backend = reading(&set);
        backend.ping().await.unwrap();
        get(&backend, &[key("a")], None).await;
        let has_replica = || async { tasks.num_alive_tasks() == before + 3 };
        assert!(eventually(has_replica).await < Duration::from_secs(5));
        if is_closed {
            backend.close().await;
            assert_eq!(tasks.num_alive_tasks(), before);
            assert!(backend.get(&[key("a")], None).await[0].is_err());
        }
        drop(backend);
        eventually(|| async { tasks.num_alive_tasks() == before }).await;
    }
}
