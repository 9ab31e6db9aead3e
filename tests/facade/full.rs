//! Servers that are out of memory and evict nothing.

use cache_aside::{Cache, RedisConfig};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{Source, instance_of, newer, on_every_server, warm};

on_every_server! {
    on_a_full_server_an_invalidation_returns_and_nothing_old_is_served
}

fn instance(server: &Server) -> Cache {
    let settings = "remote_timeout = '1s'\ndegraded_ttl = '1h'";
    instance_of(RedisConfig::new(&server.url()).unwrap(), settings)
}

async fn on_a_full_server_an_invalidation_returns_and_nothing_old_is_served(server: Server) {
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    let key = one.key("profile").tier("free").user(1);
    let old = warm(&one, &key, &source).await;
    assert_eq!(warm(&two, &key, &source).await, old);
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);

    assert!(one.invalidate_user(1).await.is_ok());

    assert_eq!(server.cli(&["EXISTS", key.as_str()]), "1", "the entry itself is still there");
    let ask = async |cache: &Cache| *cache.get_or_load(&key, || source.load()).await.unwrap();
    assert!(ask(&one).await > old);
    assert!(ask(&instance(&server)).await > old);
    newer(&two, &key, &source, old).await;
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(ask(&instance(&server)).await > old);
}
