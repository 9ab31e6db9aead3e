//! The same promises however the server is reached. Failovers are in `failover`.

use cache_aside::{Cache, RedisConfig};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{Source, instance_of, newer, warm};

const BOTH: [Flavour; 2] = [Flavour::Redis, Flavour::Valkey];

/// An instance whose near entries only end in time if somebody tells it.
fn instance(config: &RedisConfig) -> Cache {
    instance_of(config.clone(), "remote_timeout = '1s'\ndegraded_ttl = '1h'")
}

/// Entries are shared, and an edit on one instance is heard by the other.
async fn assert_coherent(config: RedisConfig) {
    let (one, two, source) = (instance(&config), instance(&config), Source::default());
    let key = one.key("profile").tier("free").user(1);
    assert_eq!((warm(&one, &key, &source).await, warm(&two, &key, &source).await), (1, 1));

    one.invalidate(&key).await.unwrap();
    newer(&two, &key, &source, 1).await;

    let stats = [one.stats(), two.stats()];
    assert!(stats.iter().all(|stats| stats.remote_errors + stats.remote_timeouts == 0));
    assert_eq!(one.health().await.remote.unwrap().backend, config.to_string());
}

/// Encrypted, as a user who is confined to the namespace, by the rule that `docs/keys.md` states.
fn locked(server: &Server) -> RedisConfig {
    let docs = include_str!("../../docs/keys.md");
    let rule = docs.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap();
    let rule = rule.replace("atlas", "test").replace("…", "secret");
    server.cli(&rule.split_whitespace().collect::<Vec<_>>());
    let config = RedisConfig::new(&server.url_as("test", "secret")).unwrap();
    config.ca_cert(server.ca_cert_pem().text())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confined_user_over_tls_by_a_private_authority() {
    for flavour in BOTH {
        let server = server_or_return!(Server::builder(flavour).tls().password("root"));

        assert_coherent(locked(&server)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confined_user_with_a_client_certificate() {
    for flavour in BOTH {
        let server = Server::builder(flavour).tls().password("root");
        let server = server_or_return!(server.config("tls-auth-clients", "yes"));
        let (cert, key) = (server.client_cert_pem().text(), server.client_key_pem().text());

        assert_coherent(locked(&server).client_cert(cert, key)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_and_a_database_of_its_own() {
    for flavour in BOTH {
        let server = server_or_return!(Server::builder(flavour).password("secret"));
        let config = RedisConfig::unix(server.socket().unwrap()).password("secret");

        assert_coherent(config.clone()).await;
        assert_coherent(config.db(3)).await;
    }
}
