//! What these tests share.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cache_core::backend::{Backend, InvalidateOptions, LeaseRequest, SetMode, SetOptions, Slot};
use cache_core::testing;
use cache_core::wire::Stamp;
use cache_core::{Key, Result};
use cache_redis::RedisBackend;
use cache_test_servers::Server;

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn connect(server: &Server) -> RedisBackend {
    RedisBackend::new(&server.url()).unwrap()
}

pub(crate) fn key(id: &str) -> Key {
    testing::key("test", "entity").arg(id)
}

/// Returns the name of a key, for `server.cli`.
pub(crate) fn name(id: &str) -> String {
    key(id).as_str().to_owned()
}

pub(crate) fn request() -> LeaseRequest {
    LeaseRequest::new(LONG)
}

pub(crate) fn always() -> SetOptions {
    SetOptions::new(LONG, SetMode::Always)
}

pub(crate) fn under(stamp: Stamp) -> SetOptions {
    SetOptions::new(LONG, SetMode::IfStamp(stamp))
}

pub(crate) fn entry(payload: &str) -> Bytes {
    [Stamp::entry(7).as_bytes(), payload.as_bytes()].concat().into()
}

pub(crate) async fn look(backend: &RedisBackend, id: &str) -> Result<Slot> {
    backend.get(&[key(id)], None).await.remove(0)
}

/// Reads keys, each of which must be answered.
pub(crate) async fn get(
    backend: &RedisBackend,
    keys: &[Key],
    lease: Option<&LeaseRequest>,
) -> Vec<Slot> {
    backend.get(keys, lease).await.into_iter().map(Result::unwrap).collect()
}

/// Removes keys, each of which must be reached.
pub(crate) async fn invalidate(backend: &RedisBackend, keys: &[Key]) {
    let ended = backend.invalidate(keys, &InvalidateOptions::default()).await;
    assert!(ended.len() == keys.len() && ended.iter().all(Result::is_ok), "{ended:?}");
}

/// Calls until it works, and returns how long that took.
pub(crate) async fn recovered(backend: &RedisBackend) -> Duration {
    eventually(|| async { backend.ping().await.is_ok() }).await
}

/// Calls until it fails with a text, and returns that error.
pub(crate) async fn failing(backend: &RedisBackend, text: &str) -> cache_core::Error {
    let started = Instant::now();
    loop {
        match backend.ping().await {
            Err(error) if error.to_string().contains(text) => return error,
            other => assert!(started.elapsed() < LIMIT, "no {text:?}, last: {other:?}"),
        }
        tokio::time::sleep(STEP).await;
    }
}

/// Waits for a condition, and returns how long that took.
pub(crate) async fn eventually<F: Future<Output = bool>>(condition: impl Fn() -> F) -> Duration {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < LIMIT, "never");
        tokio::time::sleep(STEP).await;
    }
    started.elapsed()
}

/// Returns the ids of the connections that the server has from backends.
pub(crate) fn connections(server: &Server) -> Vec<String> {
    let clients = server.cli(&["CLIENT", "LIST"]);
    let ours = clients.lines().filter(|client| client.contains(" resp=3"));
    ours.map(|client| client.split(' ').next().unwrap().to_owned()).collect()
}

const LIMIT: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(1);
