//! What is stored.

use std::time::Duration;

use bytes::Bytes;
use cache_core::backend::{
    AdvanceOptions, Backend, LeaseRequest, SetMode, SetOptions, SetOutcome, Slot,
};
use cache_core::wire::Stamp;
use cache_core::{ErrorKind, Group};
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{
    LONG, always, connect, entry, get, invalidate, key, look, name, request, under,
};

fn groups(user: &str) -> Vec<Group> {
    key("a").user(user).groups().collect()
}

fn group_name(group: &Group) -> String {
    String::from_utf8(group.as_bytes().to_vec()).unwrap()
}

fn milliseconds_left(server: &Server, name: &str) -> u64 {
    server.cli(&["PTTL", name]).parse().unwrap()
}

#[tokio::test]
async fn a_strangers_list_is_alien_and_disturbs_no_other_key() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = server_or_return!(flavour);
        let backend = connect(&server);
        server.cli(&["LPUSH", &name("list"), "x"]);
        server.cli(&["SET", &name("text"), "hello"]);
        let keys = [key("none"), key("list"), key("text")];
        let text = Slot::Entry(Bytes::from_static(b"hello"));

        let peeked = get(&backend, &keys, None).await;
        let leased = get(&backend, &keys, Some(&request())).await;

        assert_eq!(peeked, [Slot::Missing, Slot::Alien, text.clone()]);
        assert_eq!(leased, [Slot::Leased, Slot::Alien, text]);
    }
}

#[tokio::test]
async fn a_strangers_list_is_neither_filled_nor_released_but_invalidated() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    server.cli(&["LPUSH", &name("list"), "x"]);

    for stamp in [Stamp::lease(7), Stamp::of(b"")] {
        let filled = backend.set(&key("list"), entry("new"), &under(stamp)).await.unwrap();
        assert_eq!(filled, SetOutcome::Refused);
        backend.release(&key("list"), &stamp).await.unwrap();
        assert_eq!(server.cli(&["TYPE", &name("list")]), "list");
    }

    invalidate(&backend, &[key("list")]).await;
    assert_eq!(server.cli(&["EXISTS", &name("list")]), "0");
}

#[tokio::test]
async fn a_strangers_empty_value_is_not_the_same_as_nothing() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let nothing = under(Stamp::of(b""));
    server.cli(&["SET", &name("empty"), ""]);

    let missing = backend.set(&key("missing"), entry("new"), &nothing).await.unwrap();
    let empty = backend.set(&key("empty"), entry("new"), &nothing).await.unwrap();

    assert_eq!((missing, empty), (SetOutcome::Refused, SetOutcome::Stored));
    assert_eq!(look(&backend, "missing").await.unwrap(), Slot::Missing);
    assert_eq!(look(&backend, "empty").await.unwrap(), Slot::Entry(entry("new")));
}

#[tokio::test]
async fn the_same_key_twice_in_one_call_has_one_lease() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);

    let slots = get(&backend, &[key("a"), key("a")], Some(&request())).await;

    assert_eq!(slots, [Slot::Leased, Slot::Leased]);
    assert_eq!(get(&backend, &[key("a")], Some(&request())).await, [Slot::Busy]);
}

#[tokio::test]
async fn what_is_written_is_kept_as_long_as_was_said() {
    let server = server_or_return!(Flavour::Valkey);
    let backend = connect(&server);
    let lease = LeaseRequest::new(Duration::from_secs(10));
    let groups = groups("42");

    get(&backend, &[key("lease")], Some(&lease)).await;
    assert!((9_000..=10_000).contains(&milliseconds_left(&server, &name("lease"))));

    let options = SetOptions::new(Duration::from_secs(20), SetMode::IfStamp(lease.stamp));
    assert_eq!(backend.set(&key("lease"), entry("a"), &options).await.unwrap(), SetOutcome::Stored);
    assert!((19_000..=20_000).contains(&milliseconds_left(&server, &name("lease"))));

    let options = SetOptions::new(Duration::MAX, SetMode::Always);
    assert_eq!(backend.set(&key("long"), entry("a"), &options).await.unwrap(), SetOutcome::Stored);
    assert!(milliseconds_left(&server, &name("long")) > 1 << 60);

    backend.generations(&groups, Duration::from_secs(30)).await.unwrap();
    let (standing, user) = (&groups[0], groups.last().unwrap());
    assert!((29_000..=30_000).contains(&milliseconds_left(&server, &group_name(user))));
    assert!(milliseconds_left(&server, &group_name(standing)) > 1 << 38, "years");
    backend
        .advance(std::slice::from_ref(user), &AdvanceOptions::new(Duration::from_secs(40)))
        .await
        .unwrap();
    assert!((39_000..=40_000).contains(&milliseconds_left(&server, &group_name(user))));
}

#[tokio::test]
async fn a_generation_that_is_no_string_is_unknown_and_replaced() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let groups = groups("42");
    let before = backend.generations(&groups, LONG).await.unwrap();
    server.cli(&["DEL", &group_name(&groups[1])]);
    server.cli(&["LPUSH", &group_name(&groups[1]), "x"]);

    let after = backend.generations(&groups, LONG).await.unwrap();

    assert_eq!([before[0], before[2]], [after[0], after[2]]);
    assert_ne!(before[1], after[1]);
    assert_eq!(backend.generations(&groups, LONG).await.unwrap(), after);
}

#[tokio::test]
async fn a_forgotten_generation_comes_back_as_another() {
    let server = server_or_return!(Flavour::Valkey);
    let backend = connect(&server);
    let groups = groups("42");
    let before = backend.generations(&groups, LONG).await.unwrap();

    server.cli(&["FLUSHALL"]);
    let after = backend.generations(&groups, LONG).await.unwrap();

    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    let other = connect(&server).generations(&groups, LONG).await.unwrap();
    assert_eq!(after, other);
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_told_again() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);

    for _ in 0..3 {
        let lease = request();
        assert_eq!(get(&backend, &[key("a")], Some(&lease)).await, [Slot::Leased]);
        backend.release(&key("a"), &lease.stamp).await.unwrap();
        server.cli(&["SCRIPT", "FLUSH"]);
    }
}

#[tokio::test]
async fn a_known_script_is_not_sent_again() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);

    for _ in 0..10 {
        backend.release(&key("a"), &Stamp::lease(7)).await.unwrap();
    }

    let stats = server.cli(&["INFO", "commandstats"]);
    assert!(stats.contains("cmdstat_eval:calls=1,"), "{stats}");
    assert!(stats.contains("cmdstat_evalsha:calls=10,"), "{stats}");
}

#[tokio::test]
async fn an_entry_over_the_limit_is_refused_before_it_is_sent() {
    let server = server_or_return!(Flavour::Redis);
    server.kill();
    let backend = connect(&server);
    let entry = Bytes::from(vec![0; RedisBackend::MAX_ENTRY + 1]);

    let error = backend.set(&key("a"), entry, &always()).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_entry_at_the_limit_comes_back() {
    let server = server_or_return!(Flavour::Redis);
    let config = RedisConfig::new(&server.url()).unwrap().response_timeout(LONG);
    let backend = RedisBackend::with_config(config).unwrap();
    let (lease, entry) = (request(), Bytes::from(vec![7; RedisBackend::MAX_ENTRY]));
    get(&backend, &[key("a")], Some(&lease)).await;

    let filled = backend.set(&key("a"), entry.clone(), &under(lease.stamp)).await.unwrap();

    assert_eq!(filled, SetOutcome::Stored);
    assert!(look(&backend, "a").await.unwrap() == Slot::Entry(entry), "other bytes");
}

#[tokio::test]
async fn nothing_asked_is_nothing_sent() {
    let server = server_or_return!(Flavour::Redis);
    server.kill();
    let backend = connect(&server);

    assert_eq!(get(&backend, &[], Some(&request())).await, []);
    assert_eq!(backend.generations(&[], LONG).await.unwrap(), []);
    invalidate(&backend, &[]).await;
    backend.advance(&[], &AdvanceOptions::new(LONG)).await.unwrap();
}

#[tokio::test]
async fn no_command_walks_over_the_keys_or_waits() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let lease = request();
    get(&backend, &[key("a"), key("b")], Some(&lease)).await;
    get(&backend, &[key("a"), key("b")], None).await;
    let _ = backend.set(&key("a"), entry("a"), &under(lease.stamp)).await.unwrap();
    let _ = backend.set(&key("a"), entry("a"), &always()).await.unwrap();
    backend.release(&key("b"), &lease.stamp).await.unwrap();
    backend.generations(&groups("42"), LONG).await.unwrap();
    backend.advance(&groups("42"), &AdvanceOptions::new(LONG)).await.unwrap();
    invalidate(&backend, &[key("a"), key("b")]).await;
    backend.ping().await.unwrap();

    let stats = server.cli(&["INFO", "commandstats"]);

    let sent: Vec<_> = stats.lines().filter_map(|line| line.split_once(':')).collect();
    let mut sent: Vec<_> = sent.iter().filter_map(|(n, _)| n.strip_prefix("cmdstat_")).collect();
    sent.retain(|name| !["info", "command"].contains(name) && !name.starts_with("client|"));
    sent.sort_unstable();
    let expected =
        ["del", "eval", "evalsha", "exists", "get", "getrange", "hello", "mget", "ping", "set"];
    assert!(sent.iter().all(|name| expected.contains(name)), "{sent:?}");
    assert!(!stats.contains("failed_calls=9"), "{stats}");
}
