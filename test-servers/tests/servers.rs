//! What a test may do to a server, and what must hold afterwards.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use cache_test_servers::{Error, Flavour, Reply, Server, server_or_return};

#[test]
fn servers_of_both_flavours_answer() {
    let redis = server_or_return!(Flavour::Redis);
    let valkey = server_or_return!(Flavour::Valkey);

    assert!(redis.cli(&["INFO", "server"]).contains("redis_version:"));
    assert!(valkey.cli(&["INFO", "server"]).contains("valkey_version:"));
    assert_ne!(redis.port(), valkey.port());
}

#[test]
fn a_server_is_ready_quickly() {
    let begun = Instant::now();
    let _server = server_or_return!(Flavour::Redis);

    // Some 20 ms alone; the limit leaves room for a machine busy with other tests.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn settings_reach_the_server() {
    let server = server_or_return!(Server::builder(Flavour::Valkey).config("maxmemory", "10mb"));

    assert_eq!(server.cli(&["CONFIG", "GET", "maxmemory"]), "maxmemory\n10485760");
}

#[test]
fn a_wrong_setting_is_reported_with_the_log() {
    let started = Server::builder(Flavour::Redis).config("no-such-setting", "1").start();

    match started {
        Err(Error::Failed(log)) => assert!(log.contains("no-such-setting"), "{log}"),
        Err(Error::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_command_is_a_reply() {
    let server = server_or_return!(Flavour::Redis);

    let reply = server.command(&["NO-SUCH-COMMAND"]).unwrap();

    assert!(matches!(reply, Reply::Error(text) if text.starts_with("ERR unknown command")));
}

#[test]
fn values_are_bytes() {
    let server = server_or_return!(Flavour::Redis);
    let value = [0, 255, b'\r', b'\n'];

    server.cli(&[b"SET".as_slice(), b"k", &value]);

    assert_eq!(server.command(&["GET", "k"]).unwrap(), Reply::Bulk(value.into()));
    assert_eq!(server.command(&["GET", "other"]).unwrap(), Reply::Nil);
}

#[test]
fn a_socket_leads_to_the_server_as_its_port_does() {
    use std::io::{Read, Write};
    let server = server_or_return!(Server::builder(Flavour::Redis).config("unixsocketperm", "700"));
    let Some(path) = server.socket() else { return assert_ne!(server.log(), "") };

    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();

    assert_eq!(&answer, b"+PONG\r\n");
    assert!(path.starts_with(server.folder()));
}

#[test]
fn the_url_carries_the_credentials() {
    let builder = Server::builder(Flavour::Redis).password("p@ss \"word").user("app", "s/ecret");
    let server = server_or_return!(builder);
    let port = server.port();

    assert_eq!(server.url(), format!("redis://app:s%2Fecret@127.0.0.1:{port}"));
    assert_eq!(server.url_as("", "no"), format!("redis://:no@127.0.0.1:{port}"));
    assert_eq!(server.cli(&["AUTH", "default", "p@ss \"word"]), "OK");
    assert_eq!(server.cli(&["AUTH", "app", "s/ecret"]), "OK");
    assert!(matches!(server.command(&["AUTH", "app", "no"]).unwrap(), Reply::Error(_)));
}

#[test]
fn a_killed_server_refuses_and_returns_on_its_port_with_what_it_saved() {
    let server = server_or_return!(Flavour::Redis);
    server.cli(&["SET", "saved", "1"]);
    server.cli(&["SAVE"]);
    server.cli(&["SET", "unsaved", "1"]);

    server.kill();
    server.kill();

    assert!(TcpStream::connect(address(&server)).is_err());
    server.restart();
    assert!(TcpStream::connect(address(&server)).is_ok());
    assert_eq!(server.cli(&["EXISTS", "saved"]), "1");
    assert_eq!(server.cli(&["EXISTS", "unsaved"]), "0");
}

#[test]
fn a_stopped_server_accepts_and_says_nothing_until_it_is_resumed() {
    use std::io::{Read, Write};
    let server = server_or_return!(Flavour::Valkey);

    server.stop();
    let mut stream = TcpStream::connect(address(&server)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    assert!(stream.read_exact(&mut answer).is_err());

    server.resume();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn a_server_that_ended_by_itself_can_be_restarted() {
    let server = server_or_return!(Flavour::Redis);
    let _ = server.command(&["SHUTDOWN", "NOSAVE"]);

    server.restart();

    assert_eq!(server.cli(&["PING"]), "PONG");
}

#[tokio::test]
async fn a_server_lives_inside_a_runtime() {
    let server = server_or_return!(Flavour::Valkey);

    server.restart();

    assert_eq!(server.cli(&["PING"]), "PONG");
}

#[test]
fn many_servers_start_at_once() {
    let _probe = server_or_return!(Flavour::Redis);
    let starts: Vec<_> = (0..8)
        .map(|_| std::thread::spawn(|| Server::builder(Flavour::Redis).start().unwrap()))
        .collect();

    let servers: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();

    let ids: HashSet<_> = servers.iter().map(run_id).collect();
    assert_eq!(ids.len(), servers.len());
}

#[test]
fn a_server_comes_back_as_it_once_was() {
    let server = server_or_return!(Flavour::Valkey);
    server.cli(&["SET", "key", "old"]);
    let snapshot = server.snapshot();
    server.cli(&["SET", "key", "new"]);
    let before = run_id(&server);

    server.restart_from(&snapshot);

    assert_eq!(server.cli(&["GET", "key"]), "old");
    assert_ne!(run_id(&server), before);
}

#[test]
fn a_server_that_is_full_of_clients_still_takes_commands_of_a_session() {
    let server = server_or_return!(Flavour::Redis);
    let session = server.session();

    session.cli(&["CONFIG", "SET", "maxclients", "1"]);

    // It says why and closes, perhaps before it was asked.
    match server.command(&["PING"]) {
        Ok(Reply::Error(text)) => assert!(text.contains("max"), "{text}"),
        Ok(reply) => panic!("{reply}"),
        Err(_) => {}
    }
    session.cli(&["CONFIG", "SET", "maxclients", "100"]);
    assert_eq!(server.cli(&["PING"]), "PONG");
}

#[test]
fn a_password_is_changed_while_the_server_runs() {
    let server = server_or_return!(Flavour::Redis);

    for password in ["one", "two", ""] {
        server.set_password(password);
        assert_eq!(
            server.cli(&["CONFIG", "GET", "requirepass"]),
            format!("requirepass\n{password}")
        );
    }
}

#[test]
fn clients_are_disconnected_and_may_come_back() {
    use std::io::Read;
    let server = server_or_return!(Flavour::Redis);
    let mut client = TcpStream::connect(address(&server)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();

    while server.cli(&["CLIENT", "LIST"]).lines().count() < 2 {}
    server.disconnect_clients();

    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert!(TcpStream::connect(address(&server)).is_ok());
}

fn address(server: &Server) -> SocketAddr {
    SocketAddr::new(server.host().parse().unwrap(), server.port())
}

fn run_id(server: &Server) -> String {
    let info = server.cli(&["INFO", "server"]);
    info.lines().find(|line| line.starts_with("run_id:")).unwrap().to_owned()
}
