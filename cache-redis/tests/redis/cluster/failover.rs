//! A primary that is gone, and the replica that takes its place.

use std::time::{Duration, Instant};

use cache_core::backend::Backend;
use cache_test_servers::Cluster;

use super::ears::Ears;
use super::{connect, fill, on_every_cluster, primary_of, spread};
use crate::common::{always, entry, eventually, recovered};

on_every_cluster! {
    a_replica_that_took_over_is_used_and_heard
    a_primary_that_hands_over_is_left
}

async fn a_replica_that_took_over_is_used_and_heard(cluster: Cluster) {
    let backend = connect(&cluster);
    let ears = Ears::of(&backend, Duration::from_secs(2));
    let keys = spread(&cluster, 1);
    fill(&backend, &keys).await;
    ears.listening().await;
    let (old, key) = (primary_of(&cluster, &keys[1]), &keys[1]);

    old.kill();
    let killed = Instant::now();
    let (mut failed, mut longest) = (0, Duration::ZERO);
    loop {
        let started = Instant::now();
        let stored = backend.set(key, entry("new"), &always()).await;
        longest = longest.max(started.elapsed());
        if stored.is_ok() {
            break;
        }
        failed += 1;
        assert!(killed.elapsed() < Duration::from_secs(15), "{stored:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("written after {:?}, {failed} failed, longest {longest:?}", killed.elapsed());
    assert!(longest < Duration::from_millis(200), "{longest:?}");

    ears.listening().await;
    assert_eq!(ears.turns(), 3);
    let new = primary_of(&cluster, key);
    assert_ne!(new.port(), old.port());
    new.cli(&["DEL", key.as_str()]);
    ears.heard(key).await;
    recovered(&backend).await;
}

/// Nothing is lost on the way, so nothing but the next look tells.
async fn a_primary_that_hands_over_is_left(cluster: Cluster) {
    let backend = connect(&cluster);
    let ears = Ears::of(&backend, Duration::from_secs(2));
    let keys = spread(&cluster, 1);
    fill(&backend, &keys).await;
    ears.listening().await;
    let old = primary_of(&cluster, &keys[0]);

    cluster.replica_of(old).cli(&["CLUSTER", "FAILOVER"]);
    eventually(|| async { ears.turns() == 3 }).await;

    let new = tokio::task::block_in_place(|| {
        cluster.wait_until_ok();
        primary_of(&cluster, &keys[0])
    });
    assert_ne!(new.port(), old.port());
    fill(&backend, &keys).await;
    new.cli(&["DEL", keys[0].as_str()]);
    ears.heard(&keys[0]).await;
}
