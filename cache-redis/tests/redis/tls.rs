//! Encrypted connections.

use std::time::Duration;

use cache_core::backend::{Backend, Slot};
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Builder, Flavour, Server, server_or_return};

use crate::common::{look, recovered};

fn encrypted() -> Builder {
    Server::builder(Flavour::Redis).tls().password("secret")
}

/// Trusts the server's own authority.
fn trusting(server: &Server, url: &str) -> RedisConfig {
    RedisConfig::new(url).unwrap().ca_cert(server.ca_cert_pem().text())
}

async fn refusal(config: RedisConfig) -> String {
    RedisBackend::with_config(config).unwrap().ping().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_private_authority_is_trusted() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = server_or_return!(Server::builder(flavour).tls().password("secret"));

        let backend = RedisBackend::with_config(trusting(&server, &server.url())).unwrap();
        assert_eq!(look(&backend, "a").await.unwrap(), Slot::Missing);

        let by_name = server.url().replace("127.0.0.1", "localhost");
        let backend = RedisBackend::with_config(trusting(&server, &by_name)).unwrap();
        backend.ping().await.unwrap();
    }
}

#[tokio::test]
async fn an_encrypted_connection_recovers() {
    let server = server_or_return!(encrypted());
    let backend = RedisBackend::with_config(trusting(&server, &server.url())).unwrap();
    backend.ping().await.unwrap();

    server.restart();

    recovered(&backend).await;
}

#[tokio::test]
async fn a_strange_authority_is_named() {
    let (server, other) = (server_or_return!(encrypted()), server_or_return!(encrypted()));

    let text = refusal(trusting(&other, &server.url())).await;

    assert!(text.contains("set `ca_cert`"), "{text}");
}

#[tokio::test]
async fn the_systems_authorities_do_not_vouch_for_a_private_one() {
    let server = server_or_return!(encrypted());
    let Ok(backend) = RedisBackend::new(&server.url()) else { return };

    let text = backend.ping().await.unwrap_err().to_string();

    assert!(text.contains("set `ca_cert`"), "{text}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_named() {
    let server = server_or_return!(encrypted().config("bind", "127.0.0.1 127.0.0.2"));
    let url = server.url().replace("127.0.0.1", "127.0.0.2");

    let text = refusal(trusting(&server, &url)).await;

    assert!(text.contains("is for another host"), "{text}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let builder = Server::builder(flavour).tls().password("secret");
        let server = server_or_return!(builder.config("tls-auth-clients", "yes"));
        let config = trusting(&server, &server.url());

        let text = refusal(config.clone()).await;
        assert!(text.contains("set `client_cert`"), "{text}");

        let (cert, key) = (server.client_cert_pem().text(), server.client_key_pem().text());
        let backend = RedisBackend::with_config(config.client_cert(cert, key)).unwrap();
        backend.ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_and_a_key_that_do_not_fit_are_refused_at_once() {
    let (server, other) = (server_or_return!(encrypted()), server_or_return!(encrypted()));
    let (cert, key) = (server.client_cert_pem().text(), other.client_key_pem().text());
    let config = trusting(&server, &server.url());

    for (cert, key, expected) in [
        (cert, key, "does not fit its key"),
        (cert, "nonsense", "needs its private key"),
        ("nonsense", server.client_key_pem().text(), "is not PEM"),
    ] {
        let error = RedisBackend::with_config(config.clone().client_cert(cert, key)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn tls_to_a_port_without_it_is_named() {
    let plain = server_or_return!(Flavour::Redis);
    let encrypted = server_or_return!(encrypted());
    let url = plain.url().replace("redis://", "rediss://");
    let config = trusting(&encrypted, &url).connect_timeout(Duration::from_millis(300));

    let text = refusal(config).await;

    assert!(text.contains("use `redis://`"), "{text}");
}

#[tokio::test]
async fn no_tls_to_a_port_with_it_is_named() {
    let server = server_or_return!(encrypted());
    let url = server.url().replace("rediss://", "redis://");
    let config = RedisConfig::new(&url).unwrap().connect_timeout(Duration::from_millis(300));

    let text = refusal(config).await;

    assert!(text.contains("`rediss://`"), "{text}");
}
