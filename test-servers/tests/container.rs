//! Servers in containers: the same promises as for processes.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(feature = "container")]

use std::net::TcpStream;

use cache_test_servers::{Flavour, Server, server_or_return};

#[test]
fn a_container_answers_is_stopped_killed_and_restarted() {
    let server = server_or_return!(Server::builder(Flavour::Container).password("secret"));
    server.cli(&["SET", "saved", "1"]);
    server.cli(&["SAVE"]);

    server.stop();
    server.resume();
    assert_eq!(server.cli(&["GET", "saved"]), "1");

    server.kill();
    server.kill();
    assert!(server.command(&["PING"]).is_err());

    server.restart();
    assert_eq!(server.cli(&["GET", "saved"]), "1");
    server.stop();
    server.restart();
    assert_eq!(server.cli(&["GET", "saved"]), "1");
}

#[tokio::test]
async fn a_container_lives_inside_a_runtime_and_speaks_tls() {
    let server = server_or_return!(Server::builder(Flavour::Container).tls());

    assert_eq!(server.cli(&["PING"]), "PONG");
    assert!(TcpStream::connect((server.host(), server.port())).is_ok());
    assert!(server.cli(&["CONFIG", "GET", "tls-port"]).ends_with("6380"));
}

#[test]
fn a_wrong_setting_in_a_container_is_reported_with_the_log() {
    let _probe = server_or_return!(Flavour::Container);

    let error = Server::builder(Flavour::Container).config("no-such-setting", "1").start();

    assert!(error.unwrap_err().to_string().contains("no-such-setting"));
}

#[test]
fn a_dropped_container_is_removed() {
    let server = server_or_return!(Flavour::Container);
    let port = server.port();

    drop(server);

    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
