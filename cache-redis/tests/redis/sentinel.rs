//! A primary that sentinels name.

use std::time::{Duration, Instant};

use cache_core::backend::{Backend, SetOutcome, Slot};
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Flavour, SentinelSet, Server, sentinel_or_return, server_or_return};
use tokio::net::TcpListener;

use crate::common::{always, entry, eventually, failing, key, look, name, recovered};
use crate::fake_sentinel::{FakeSentinel, Saying};

/// For one attempt to connect, through all sentinels.
const LIMIT: Duration = Duration::from_secs(2);

fn config(sentinels: &[&FakeSentinel]) -> RedisConfig {
    let urls = sentinels.iter().map(|sentinel| sentinel.url());
    RedisConfig::sentinel("main", urls).unwrap().connect_timeout(LIMIT)
}

fn connect(sentinels: &[&FakeSentinel]) -> RedisBackend {
    RedisBackend::with_config(config(sentinels)).unwrap()
}

async fn refusal(sentinels: &[&FakeSentinel]) -> String {
    connect(sentinels).ping().await.unwrap_err().to_string()
}

fn url(set: &SentinelSet, credentials: &str) -> String {
    let hosts: Vec<_> =
        set.addresses().iter().map(|(host, port)| format!("{host}:{port}")).collect();
    format!("redis+sentinel://{credentials}{}/{}/3", hosts.join(","), SentinelSet::NAME)
}

/// Whether what is written arrives at a server.
async fn reaches(backend: &RedisBackend, server: &Server) -> bool {
    server.cli(&["DEL", &name("witness")]);
    let stored = backend.set(&key("witness"), entry("x"), &always()).await;
    stored.is_ok() && server.cli(&["EXISTS", &name("witness")]) == "1"
}

#[tokio::test]
async fn the_primary_that_sentinels_name_is_used_with_credentials_of_its_own() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let builder = SentinelSet::builder(flavour).password("hunter22");
        let set = sentinel_or_return!(builder.sentinel_password("hunter33"));
        let config = |sentinel_password| {
            let config = RedisConfig::new(&url(&set, ":hunter22@")).unwrap();
            RedisBackend::with_config(config.sentinel_password(sentinel_password)).unwrap()
        };
        let (backend, stranger) = (config("hunter33"), config("hunter44"));

        let stored = backend.set(&key("a"), entry("a"), &always()).await.unwrap();
        let error = stranger.ping().await.unwrap_err();

        assert_eq!(stored, SetOutcome::Stored);
        assert_eq!(look(&backend, "a").await.unwrap(), Slot::Entry(entry("a")));
        assert!(error.to_string().contains("correct `sentinel_password`"), "{error}");
        assert!(set.primary().cli(&["CLIENT", "LIST"]).contains(" db=3 "));
    }
}

/// The rule that `docs/topologies.md` states, word by word.
#[tokio::test]
async fn a_user_who_may_ask_for_the_primary_is_enough() {
    let docs = include_str!("../../../docs/topologies.md");
    let rule = docs.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap();
    let rule = rule.replace("…", "secret");
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let set = sentinel_or_return!(flavour);
        for sentinel in set.sentinels() {
            sentinel.cli(&rule.split_whitespace().collect::<Vec<_>>());
        }
        let config = RedisConfig::new(&url(&set, "")).unwrap();
        let config = config.sentinel_username("watcher").sentinel_password("secret");
        let backend = RedisBackend::with_config(config).unwrap();

        backend.ping().await.unwrap();

        let sentinels = set.sentinels();
        eventually(|| async {
            sentinels.iter().all(|it| it.cli(&["CLIENT", "LIST"]).contains("user=watcher"))
        })
        .await;
    }
}

#[tokio::test]
async fn sentinels_that_are_dead_or_hung_or_lie_cost_no_more_than_their_share() {
    let primary = server_or_return!(Flavour::Redis);
    let replica = server_or_return!(Flavour::Redis);
    replica.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let hung = FakeSentinel::start(Saying::Nothing).await;
    let lying = FakeSentinel::start(Saying::Port(replica.port())).await;
    let stale = FakeSentinel::start(Saying::Port(nobody)).await;
    let garbage = FakeSentinel::start(Saying::Garbage).await;
    let ignorant = FakeSentinel::start(Saying::Unknown).await;
    let honest = FakeSentinel::start(Saying::Port(primary.port())).await;
    let fakes = [&hung, &lying, &stale, &garbage, &ignorant, &honest];
    let dead = format!("redis://127.0.0.1:{nobody}");
    let urls = fakes.iter().map(|fake| fake.url()).chain([dead]);
    let config = RedisConfig::sentinel("main", urls).unwrap().connect_timeout(LIMIT);
    let backend = RedisBackend::with_config(config).unwrap();

    let started = Instant::now();
    backend.ping().await.unwrap();
    let took = started.elapsed();

    assert!((LIMIT / 10..LIMIT / 2).contains(&took), "one share for the hung one: {took:?}");
    assert!(reaches(&backend, &primary).await);
}

#[tokio::test]
async fn the_sentinel_that_was_right_is_asked_first() {
    let server = server_or_return!(Flavour::Valkey);
    let hung = FakeSentinel::start(Saying::Nothing).await;
    let honest = FakeSentinel::start(Saying::Port(server.port())).await;
    let backend = connect(&[&hung, &honest]);
    backend.ping().await.unwrap();

    server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    failing(&backend, "closed the connection").await;
    let took = recovered(&backend).await;

    assert!(took < LIMIT / 4, "{took:?}");
}

#[tokio::test]
async fn what_is_wrong_with_sentinels_is_named() {
    let server = server_or_return!(Flavour::Redis);
    let replica = server_or_return!(Flavour::Redis);
    replica.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for (says, expected) in [
        (Saying::Unknown, "do not know a primary of that name"),
        (
            Saying::Port(nobody),
            "the server that the sentinels name cannot be used: nothing listens",
        ),
        (Saying::Port(replica.port()), "is a read-only replica"),
        (Saying::Refusal("NOAUTH"), "set `sentinel_password`"),
        (Saying::Refusal("NOPERM"), "+sentinel|get-master-addr-by-name"),
        (Saying::Refusal("ERR"), "is no sentinel"),
        (Saying::Garbage, "is no sentinel"),
    ] {
        let text = refusal(&[&FakeSentinel::start(says).await]).await;
        assert!(text.contains(expected), "{text}");
    }
    for (port, expected) in [(nobody, "no sentinel can be asked"), (server.port(), "no sentinel")] {
        let urls = [format!("redis://127.0.0.1:{port}")];
        let config = RedisConfig::sentinel("main", urls).unwrap();
        let error = RedisBackend::with_config(config).unwrap().ping().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let hung = FakeSentinel::start(Saying::Nothing).await;
    let config = config(&[&hung]).connect_timeout(Duration::from_millis(200));
    let error = RedisBackend::with_config(config).unwrap().ping().await.unwrap_err();
    assert!(error.to_string().contains("does not answer"), "{error}");
}

/// The old primary is cut off from the others, but not from us: it answers all the time.
#[tokio::test]
async fn a_primary_that_was_quietly_replaced_is_left() {
    let (old, new) = (server_or_return!(Flavour::Redis), server_or_return!(Flavour::Redis));
    let mut sentinels = Vec::new();
    for _ in 0..3 {
        sentinels.push(FakeSentinel::start(Saying::Port(old.port())).await);
    }
    let backend = connect(&sentinels.iter().collect::<Vec<_>>());
    assert!(reaches(&backend, &old).await);

    sentinels[1].say(Saying::Port(new.port()));
    let asked = sentinels[2].asked();
    eventually(|| async { sentinels[2].asked() > asked + 1 }).await;
    assert!(reaches(&backend, &old).await, "one sentinel alone is not believed");

    sentinels[2].say(Saying::Port(new.port()));
    let took = eventually(|| async { reaches(&backend, &new).await }).await;
    println!("left after {took:?}");
}

#[tokio::test]
async fn sentinels_and_servers_speak_tls_under_one_authority() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let set = sentinel_or_return!(SentinelSet::builder(flavour).tls().password("secret"));
        let url = url(&set, ":secret@").replace("redis+", "rediss+");
        let config = RedisConfig::new(&url).unwrap().db(0);
        let config = config.ca_cert(set.primary().ca_cert_pem().text());
        let backend = RedisBackend::with_config(config).unwrap();
        assert!(reaches(&backend, set.primary()).await);

        let old = set.primary();
        set.fail_over();
        let new = set.wait_for_new_primary(old);

        eventually(|| reaches(&backend, new)).await;
    }
}
