//! The contract, on both servers, one of them and many.

use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Builder, Cluster, Flavour, Server};

use crate::common::connect;

fn start(builder: impl Into<Builder>) -> (RedisBackend, Server) {
    let server = builder.into().start().unwrap();
    (connect(&server), server)
}

/// With a seed that is a replica.
async fn start_cluster(flavour: Flavour) -> (RedisBackend, Cluster) {
    let cluster = Cluster::start(flavour).unwrap();
    let seeds = [&cluster.seeds()[3..], &cluster.seeds()[..2]].concat();
    let backend = RedisBackend::with_config(RedisConfig::cluster(seeds).unwrap()).unwrap();
    (backend, cluster)
}

mod redis {
    cache_core::conformance!(
        #[tokio::test]
        super::start(super::Flavour::Redis)
    );
}

mod valkey {
    cache_core::conformance!(
        #[tokio::test]
        super::start(super::Flavour::Valkey)
    );
}

mod redis_cluster {
    cache_core::conformance!(
        #[tokio::test]
        super::start_cluster(super::Flavour::Redis).await
    );
}

mod valkey_cluster {
    cache_core::conformance!(
        #[tokio::test]
        super::start_cluster(super::Flavour::Valkey).await
    );
}
