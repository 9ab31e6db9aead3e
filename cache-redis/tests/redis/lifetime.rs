//! When connections and background work end.

use cache_core::ErrorKind;
use cache_core::backend::Backend;
use cache_redis::RedisBackend;
use cache_test_servers::{Flavour, server_or_return};
use futures_util::FutureExt;
use tokio::runtime;

use crate::common::{connect, connections, eventually};

#[tokio::test]
async fn the_connection_ends_with_the_last_handle() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let clone = backend.clone();
    backend.ping().await.unwrap();

    drop(backend);
    clone.ping().await.unwrap();
    drop(clone);

    eventually(|| async { connections(&server).is_empty() }).await;
}

#[tokio::test]
async fn attempts_to_connect_end_with_the_last_handle() {
    let server = server_or_return!(Flavour::Redis);
    server.kill();
    let tasks = runtime::Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    let backend = connect(&server);
    assert!(backend.ping().await.is_err());
    assert_eq!(tasks.num_alive_tasks(), before + 1);

    drop(backend);

    eventually(|| async { tasks.num_alive_tasks() == before }).await;
}

#[tokio::test]
async fn a_closed_backend_stays_closed_for_all_its_handles() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let clone = backend.clone();
    let tasks = runtime::Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    backend.ping().await.unwrap();

    backend.close().await;

    assert_eq!(tasks.num_alive_tasks(), before);
    assert!(clone.ping().await.unwrap_err().to_string().contains("closed"));
    eventually(|| async { connections(&server).is_empty() }).await;
    clone.close().await;
}

#[test]
fn a_backend_outlives_the_runtime_of_its_first_caller() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);

    for _ in 0..3 {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(backend.ping()).unwrap();
    }
}

#[test]
fn a_call_outside_a_runtime_is_an_error_and_no_panic() {
    let backend = RedisBackend::new("redis://localhost").unwrap();

    let answer = backend.ping().now_or_never().unwrap();

    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unsupported);
}
