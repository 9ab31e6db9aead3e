//! The contract, on both servers and over TLS.

use cache_redis::RedisBackend;
use cache_test_servers::{Builder, Flavour, Server};

use crate::common::connect;

fn start(builder: impl Into<Builder>) -> (RedisBackend, Server) {
    let server = builder.into().start().unwrap();
    (connect(&server), server)
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
