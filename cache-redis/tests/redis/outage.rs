//! A server that goes away, hangs, or is not what it should be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_core::ErrorKind;
use cache_core::backend::{Backend, Slot};
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Flavour, Proxy, Server, server_or_return};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::common::{
    always, connect, connections, entry, eventually, failing, key, look, recovered,
};

/// What "at once" means on a machine that is busy with other tests.
const AT_ONCE: Duration = Duration::from_millis(5);
const SHORT: Duration = Duration::from_millis(300);

fn with_short_connect_timeout(server: &Server) -> RedisBackend {
    let config = RedisConfig::new(&server.url()).unwrap().connect_timeout(SHORT);
    RedisBackend::with_config(config).unwrap()
}

/// Returns how long the fastest of several failing calls took.
async fn quickest_failure(backend: &RedisBackend) -> Duration {
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let started = Instant::now();
        assert!(look(backend, "a").await.is_err());
        quickest = quickest.min(started.elapsed());
    }
    quickest
}

/// Calls as the engine does, until nobody answers three times in a row.
async fn give_up(backend: &RedisBackend, times: usize) {
    for _ in 0..times {
        let call = timeout(Duration::from_millis(20), look(backend, "a")).await;
        assert!(call.is_err() || call.is_ok_and(|answer| answer.is_err()));
    }
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_used_once_it_is_up() {
    let server = server_or_return!(Flavour::Redis);
    server.kill();
    let backend = connect(&server);

    let error = backend.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(error.to_string().contains("nothing listens"), "{error}");
    server.restart();

    recovered(&backend).await;
}

#[tokio::test]
async fn calls_fail_at_once_while_the_server_is_away_and_work_when_it_is_back() {
    let server = server_or_return!(Flavour::Valkey);
    let backend = connect(&server);
    backend.ping().await.unwrap();

    server.kill();
    failing(&backend, "nothing listens").await;
    let quickest = quickest_failure(&backend).await;
    server.restart();
    let took = recovered(&backend).await;

    assert!(quickest < AT_ONCE, "{quickest:?}");
    println!("failed in {quickest:?}, back after {took:?}");
    assert_eq!(look(&backend, "a").await.unwrap(), Slot::Missing);
}

#[tokio::test]
async fn the_very_first_callers_wait_for_the_connection_and_later_ones_do_not() {
    let server = server_or_return!(Flavour::Redis);
    server.stop();
    let backend = with_short_connect_timeout(&server);

    let started = Instant::now();
    let (first, second) = tokio::join!(backend.ping(), look(&backend, "a"));
    let waited = started.elapsed();
    let quickest = quickest_failure(&backend).await;
    server.resume();

    assert!(first.unwrap_err().to_string().contains("does not answer"));
    assert!(second.is_err());
    assert!(waited >= SHORT, "{waited:?}");
    assert!(quickest < AT_ONCE, "{quickest:?}");
    recovered(&backend).await;
}

#[tokio::test]
async fn a_caller_who_gives_up_does_not_stop_the_connection_under_way() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    server.stop();

    assert!(timeout(Duration::from_millis(20), backend.ping()).await.is_err());
    server.resume();

    backend.ping().await.unwrap();
    assert_eq!(connections(&server).len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_left_and_comes_back() {
    let server = server_or_return!(Flavour::Redis);
    let backend = with_short_connect_timeout(&server);
    backend.ping().await.unwrap();
    let before = connections(&server);

    server.stop();
    give_up(&backend, 3).await;
    let error = failing(&backend, "does not answer").await;
    let quickest = quickest_failure(&backend).await;
    server.resume();
    recovered(&backend).await;

    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(quickest < AT_ONCE, "{quickest:?}");
    assert!(connections(&server).iter().all(|connection| !before.contains(connection)));
}

/// A firewall that forgot a connection: nothing comes back on it, new ones work.
#[tokio::test]
async fn a_half_open_connection_is_replaced() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    let backend = RedisBackend::new(&proxy.url()).unwrap();
    backend.ping().await.unwrap();

    proxy.freeze();
    let started = Instant::now();
    give_up(&backend, 3).await;
    eventually(|| async {
        let call = timeout(Duration::from_millis(20), backend.ping()).await;
        matches!(call, Ok(Ok(())))
    })
    .await;

    println!("replaced after {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_server_that_is_slow_for_a_moment_keeps_its_connection() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    backend.ping().await.unwrap();
    let before = connections(&server);

    server.stop();
    give_up(&backend, 3).await;
    server.resume();

    recovered(&backend).await;
    assert_eq!(connections(&server), before);
}

#[tokio::test]
async fn a_closed_connection_is_replaced_without_a_call() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    backend.ping().await.unwrap();
    let before = connections(&server);

    server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);

    eventually(|| async {
        let now = connections(&server);
        now.len() == 1 && now != before
    })
    .await;
    recovered(&backend).await;
}

#[tokio::test]
async fn a_primary_that_becomes_a_replica_is_left_until_it_is_one_again() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = server_or_return!(flavour);
        let backend = connect(&server);
        backend.ping().await.unwrap();

        server.cli(&["REPLICAOF", "127.0.0.1", "1"]);
        let error = backend.set(&key("a"), entry("a"), &always()).await.unwrap_err();
        assert!(error.to_string().contains("connect to its primary"), "{error}");
        let error = failing(&backend, "is a read-only replica: connect to its primary").await;
        assert_eq!(error.kind(), ErrorKind::Backend);
        server.cli(&["REPLICAOF", "NO", "ONE"]);

        recovered(&backend).await;
        let _ = backend.set(&key("a"), entry("a"), &always()).await.unwrap();
    }
}

#[tokio::test]
async fn a_replica_without_its_primary_is_named() {
    let server =
        server_or_return!(Server::builder(Flavour::Redis).config("replica-serve-stale-data", "no"));
    let backend = connect(&server);
    backend.ping().await.unwrap();

    server.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = look(&backend, "a").await.unwrap_err();

    assert!(error.to_string().contains("MASTERDOWN"), "{error}");
    failing(&backend, "is a read-only replica").await;
}

#[tokio::test]
async fn a_server_that_is_loading_is_named_and_waited_for() {
    let builder = Server::builder(Flavour::Redis).config("key-load-delay", "200");
    let builder = builder.config("loading-process-events-interval-bytes", "1024");
    let server = Arc::new(server_or_return!(builder));
    server.cli(&["DEBUG", "POPULATE", "5000"]);
    server.cli(&["SAVE"]);
    let backend = connect(&server);

    let restart = spawn_blocking({
        let server = server.clone();
        move || server.restart()
    });

    failing(&backend, "LOADING").await;
    restart.await.unwrap();
    backend.ping().await.unwrap();
}

/// The server says why and closes, before or after our greeting is on its way.
#[tokio::test]
async fn a_server_without_room_for_clients_is_named() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = server_or_return!(flavour);
        let session = server.session();
        session.cli(&["CONFIG", "SET", "maxclients", "1"]);
        for _ in 0..20 {
            let error = connect(&server).ping().await.unwrap_err();
            assert!(error.to_string().contains("raise its `maxclients`"), "{error}");
        }

        let backend = connect(&server);
        assert!(backend.ping().await.is_err());
        session.cli(&["CONFIG", "SET", "maxclients", "100"]);
        recovered(&backend).await;
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_named() {
    let backend = RedisBackend::new("redis://no-such-host.invalid").unwrap();

    let text = backend.ping().await.unwrap_err().to_string();

    assert!(text.contains("resolve"), "{text}");
}

#[tokio::test]
async fn something_that_is_not_redis_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let backend = RedisBackend::new(&format!("redis://127.0.0.1:{port}")).unwrap();

    let text = backend.ping().await.unwrap_err().to_string();

    assert!(text.contains("is not redis"), "{text}");
}
