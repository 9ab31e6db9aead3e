//! What a network in between does.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use cache_test_servers::{Flavour, Proxy, Rule, Server, server_or_return};

const SHORT: Duration = Duration::from_millis(200);

#[test]
fn bytes_go_both_ways_and_connections_end_with_the_proxy() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    let mut client = client(&proxy);

    assert_eq!(echo(&mut client, "hello").unwrap(), "hello");
    assert_eq!(proxy.url(), format!("redis://127.0.0.1:{}", proxy.port()));
    drop(proxy);

    assert!(echo(&mut client, "hello").is_err());
}

#[test]
fn replies_come_late_without_holding_each_other_up() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    let mut client = client(&proxy);
    proxy.set(Rule::Delay(SHORT));

    let begun = Instant::now();
    client.write_all(b"PING\r\n").unwrap();
    std::thread::sleep(SHORT / 2);
    client.write_all(b"PING\r\n").unwrap();
    let mut answers = [0; 14];
    client.read_exact(&mut answers).unwrap();

    assert!(begun.elapsed() >= SHORT * 3 / 2, "{:?}", begun.elapsed());
    assert_eq!(&answers, b"+PONG\r\n+PONG\r\n");
}

#[test]
fn a_narrow_network_passes_all_on_slowly_and_is_wide_again_at_once() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    let mut client = client(&proxy);
    let text = "x".repeat(400);
    proxy.set(Rule::Limit(2_000));

    let begun = Instant::now();
    assert_eq!(echo(&mut client, &text).unwrap(), text);
    assert!(begun.elapsed() >= SHORT * 2, "{:?}", begun.elapsed());

    proxy.set(Rule::Limit(1));
    client.write_all(b"PING\r\n").unwrap();
    std::thread::sleep(SHORT / 2);
    proxy.set(Rule::Pass);
    let mut answer = [0; 7];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn a_connection_is_reset_in_the_middle_of_a_reply() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    let mut client = client(&proxy);
    echo(&mut client, "before").unwrap();
    proxy.set(Rule::Cut(10));

    client.write_all(b"PING\r\nPING\r\n").unwrap();
    let mut answers = Vec::new();
    let ended = client.read_to_end(&mut answers);

    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(answers, b"+PONG\r\n+PO");
}

#[test]
fn replies_are_noise_of_the_same_length() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    let mut client = client(&proxy);
    proxy.set(Rule::Garble);

    client.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    client.read_exact(&mut answer).unwrap();

    assert_ne!(&answer, b"+PONG\r\n");
    proxy.set(Rule::Pass);
    assert_eq!(echo(&mut client, "hello").unwrap(), "hello");
}

#[test]
fn connections_are_refused_and_taken_again_on_the_same_port() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    let mut old = client(&proxy);
    echo(&mut old, "before").unwrap();

    for _ in 0..3 {
        proxy.set(Rule::Refuse);
        assert_eq!(connect(&proxy).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert!(echo(&mut old, "after").is_err());
        proxy.set(Rule::Pass);
        old = client(&proxy);
        assert_eq!(echo(&mut old, "hello").unwrap(), "hello");
    }
}

#[test]
fn a_stalled_network_passes_on_later_what_it_took() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    proxy.set(Rule::Stall);
    let mut client = client(&proxy);
    client.set_read_timeout(Some(SHORT)).unwrap();

    client.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    assert!(client.read_exact(&mut answer).is_err());
    proxy.set(Rule::Pass);
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client.read_exact(&mut answer).unwrap();

    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn only_the_connections_there_are_freeze() {
    let server = server_or_return!(Flavour::Redis);
    let proxy = Proxy::before(&server).unwrap();
    let mut old = client(&proxy);
    echo(&mut old, "before").unwrap();

    proxy.freeze();
    old.set_read_timeout(Some(SHORT)).unwrap();

    assert!(echo(&mut old, "after").is_err());
    assert_eq!(echo(&mut client(&proxy), "hello").unwrap(), "hello");
}

#[test]
fn another_server_stands_behind_the_same_address() {
    let (one, two) = (server_or_return!(Flavour::Redis), server_or_return!(Flavour::Valkey));
    let proxy = Proxy::before(&one).unwrap();
    let mut old = client(&proxy);
    echo(&mut old, "before").unwrap();

    proxy.lead_to(&two);

    assert!(echo(&mut old, "after").is_err());
    client(&proxy).write_all(b"SET key value\r\n").unwrap();
    while two.cli(&["EXISTS", "key"]) == "0" {
        std::thread::yield_now();
    }
    assert_eq!(one.cli(&["EXISTS", "key"]), "0");
}

#[test]
fn a_server_that_is_down_closes_at_once() {
    let server = server_or_return!(Server::builder(Flavour::Redis));
    let proxy = Proxy::before(&server).unwrap();

    server.kill();

    assert!(connect(&proxy).and_then(|mut client| echo(&mut client, "hello")).is_err());
}

fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
    let client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port()))?;
    client.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(client)
}

fn client(proxy: &Proxy) -> TcpStream {
    connect(proxy).unwrap()
}

fn echo(client: &mut TcpStream, text: &str) -> io::Result<String> {
    client.write_all(format!("ECHO {text}\r\n").as_bytes())?;
    let head = format!("${}\r\n", text.len()).len();
    let mut answer = vec![0; head + text.len() + 2];
    client.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[head..head + text.len()]).into_owned())
}
