//! A server at a unix socket.

use std::path::PathBuf;

use cache_core::ErrorKind;
use cache_core::backend::{Backend, SetOutcome, Slot};
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{always, entry, failing, key, look, recovered};

fn at_socket(server: &Server) -> RedisBackend {
    RedisBackend::with_config(RedisConfig::unix(path(server))).unwrap()
}

fn path(server: &Server) -> PathBuf {
    server.socket().unwrap().to_owned()
}

async fn refusal(config: RedisConfig) -> String {
    RedisBackend::with_config(config).unwrap().ping().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_unix_socket_is_as_good_as_a_port() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = server_or_return!(flavour);
        let path = path(&server);
        let backend = RedisBackend::new(&format!("unix://{}?db=3", path.display())).unwrap();

        let stored = backend.set(&key("a"), entry("a"), &always()).await.unwrap();

        assert_eq!(stored, SetOutcome::Stored);
        assert_eq!(look(&backend, "a").await.unwrap(), Slot::Entry(entry("a")));
        assert_eq!(backend.to_string(), format!("redis(unix:{}/3)", path.display()));
        let clients = server.cli(&["CLIENT", "LIST"]);
        assert!(clients.lines().any(|line| line.contains(" resp=3") && line.contains(" db=3 ")));
    }
}

#[tokio::test]
async fn credentials_go_before_the_path() {
    let builder = Server::builder(Flavour::Valkey).user("app", "hunter22/#@");
    let server = server_or_return!(builder);
    let path = path(&server);
    let backend =
        |credentials| RedisBackend::new(&format!("unix://{credentials}@{}", path.display()));

    let right = backend("app:hunter22%2F%23%40").unwrap();
    right.ping().await.unwrap();
    let error = backend("app:hunter23").unwrap().ping().await.unwrap_err();

    assert!(error.to_string().contains("WRONGPASS"), "{error}");
    assert!(server.cli(&["CLIENT", "LIST"]).contains("user=app"));
}

#[tokio::test]
async fn a_server_at_a_socket_may_go_and_come_back() {
    let server = server_or_return!(Flavour::Redis);
    let backend = at_socket(&server);
    backend.ping().await.unwrap();

    server.kill();
    let error = failing(&backend, "start redis").await;
    server.restart();

    assert_eq!(error.kind(), ErrorKind::Backend);
    recovered(&backend).await;
}

#[tokio::test]
async fn a_socket_that_cannot_be_used_is_named() {
    let folder = std::env::temp_dir();
    for (path, expected) in [
        (folder.join("no-such-socket"), "there is no socket"),
        (folder.join("x".repeat(200)), "too long"),
    ] {
        let text = refusal(RedisConfig::unix(path)).await;
        assert!(text.contains(expected), "{text}");
    }
}
