//! What is logged: changes, not calls.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use cache_core::backend::Backend;
use cache_redis::RedisBackend;
use cache_test_servers::{Flavour, Server, server_or_return};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber, subscriber};

use crate::common::{connect, eventually, failing, get, invalidate, key, look, recovered, request};
use crate::hearing::{Ear, as_user};

/// Keeps what this library logs at `info` and above.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "cache_aside" && *metadata.level() <= Level::INFO
    }
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

// All on one thread, where the subscriber is.
#[tokio::test]
async fn an_outage_is_one_line_for_each_reason() {
    let server = server_or_return!(Flavour::Redis);
    let log = Log::default();
    let _guard = subscriber::set_default(log.clone());
    let backend = connect(&server);
    backend.ping().await.unwrap();

    server.kill();
    failing(&backend, "nothing listens").await;
    for _ in 0..50 {
        assert!(look(&backend, "a").await.is_err());
    }
    server.restart();
    recovered(&backend).await;

    let server = format!("server={backend}");
    let lines = log.lines();
    assert!(lines.iter().all(|line| line.contains(&server)), "{lines:?}");
    let levels: Vec<_> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(levels, ["INFO", "WARN", "WARN", "INFO"], "{lines:?}");
    assert!(lines[1].contains("redis closed the connection"), "{lines:?}");
    assert!(lines[2].contains("nothing listens"), "{lines:?}");
}

#[tokio::test]
async fn a_refused_login_is_one_line_without_the_secret() {
    let server = server_or_return!(Server::builder(Flavour::Valkey).password("hunter22"));
    let log = Log::default();
    let _guard = subscriber::set_default(log.clone());
    let backend = RedisBackend::new(&server.url_as("", "hunter23")).unwrap();

    assert!(backend.ping().await.is_err());
    let rejected = || async {
        let stats = server.cli(&["INFO", "stats"]);
        let count = stats.lines().find_map(|line| line.strip_prefix("acl_access_denied_auth:"));
        count.unwrap().trim().parse::<u32>().unwrap() > 2
    };
    eventually(rejected).await;

    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WRONGPASS") && !lines[0].contains("hunter"), "{lines:?}");
}

#[tokio::test]
async fn a_full_server_is_one_line() {
    let server = server_or_return!(Flavour::Redis);
    let log = Log::default();
    let _guard = subscriber::set_default(log.clone());
    let backend = connect(&server);
    backend.ping().await.unwrap();

    for limit in ["1", "0", "1"] {
        server.cli(&["CONFIG", "SET", "maxmemory", limit]);
        for id in ["a", "b", "c"] {
            get(&backend, &[key(id)], Some(&request())).await;
            invalidate(&backend, &[key(id)]).await;
        }
    }

    let levels: Vec<_> = log.lines().iter().map(|line| line[..4].to_owned()).collect();
    assert_eq!(levels, ["INFO", "WARN", "INFO", "WARN"]);
}

#[tokio::test]
async fn a_refused_right_is_one_line_that_names_it() {
    for (rule, expected) in [
        ("-client|tracking", "only changes by instances of this library are heard"),
        ("-client|tracking -publish", "`+publish`"),
        ("-client|tracking -subscribe", "`+subscribe`"),
        ("-client|tracking -subscribe -publish", "`+client|tracking`"),
        ("-evalsha", "`+eval +evalsha +getrange +exists`"),
        ("-info", "each new connection ends everything: allow the user `+info`"),
    ] {
        let server = server_or_return!(Flavour::Redis);
        let log = Log::default();
        let _guard = subscriber::set_default(log.clone());
        let backend = as_user(&server, rule);
        let _ear = Ear::on(&backend);

        for _ in 0..3 {
            backend.get(&[key("a")], Some(&request())).await.remove(0).unwrap();
        }

        let lines = log.lines();
        let levels: Vec<_> = lines.iter().map(|line| &line[..4]).collect();
        assert_eq!(levels, ["WARN", "INFO"], "{lines:?}");
        assert!(lines[0].contains(expected), "{lines:?}");
    }
}
