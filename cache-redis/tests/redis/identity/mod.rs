//! Who the server is, and what ends when it is another.

mod replicas;
mod rights;

use std::sync::Arc;

use cache_core::backend::{Backend, Identity, SetOutcome, Slot};
use cache_core::{Generation, Group, Result};
use cache_redis::RedisBackend;
use cache_test_servers::{Flavour, Proxy, Server};
use futures_util::future::join_all;
pub(crate) use replicas::cut;
use tokio::task::block_in_place;

use crate::common::{LONG, always, entry, eventually, get, invalidate, key, look, recovered};
use crate::hearing::Ear;

/// Where a server keeps who it is.
pub(crate) const RECORD: &str = "test:!server:{test:!all}";
const NUMBER: &str = "test:!all";

macro_rules! on_every_server {
    ($($name:ident)*) => {
        $crate::identity::on!(redis_7, Redis: $($name)*);
        $crate::identity::on!(valkey_8, Valkey: $($name)*);
    };
}

macro_rules! on {
    ($module:ident, $flavour:ident: $($name:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let flavour = cache_test_servers::Flavour::$flavour;
                super::$name(cache_test_servers::server_or_return!(flavour)).await;
            })*
        }
    };
}

use {on, on_every_server};

on_every_server! {
    a_list_in_the_place_of_the_record_is_replaced
    a_restart_is_a_stranger_that_ends_everything
    a_restart_from_an_old_snapshot_ends_everything_once_over_all_instances
    a_server_that_was_flushed_is_the_same_and_begins_another_turn
    another_server_at_the_address_ends_everything_and_so_does_the_first_when_it_is_back
    the_same_process_is_no_stranger_and_nothing_ends
    who_the_server_is_costs_one_look_and_nothing_at_the_next_connection
}

/// A backend, and what it hears.
pub(crate) struct Instance {
    pub(crate) backend: RedisBackend,
    pub(crate) ear: Arc<Ear>,
}

impl Instance {
    pub(crate) fn of(backend: RedisBackend) -> Self {
        let ear = Ear::on(&backend);
        Self { backend, ear }
    }

    pub(crate) fn at(url: &str) -> Self {
        Self::of(RedisBackend::new(url).unwrap())
    }

    pub(crate) async fn identify(&self, seen: Option<&Identity>) -> Result<Identity> {
        self.backend.identify(&all(), seen).await
    }

    /// As it must be possible.
    pub(crate) async fn identified(&self, seen: Option<&Identity>) -> Identity {
        self.identify(seen).await.unwrap()
    }

    pub(crate) async fn generation(&self) -> Generation {
        self.backend.generations(&[all()], LONG).await.unwrap()[0]
    }

    /// Returns how often it was told that the server is another.
    pub(crate) fn strangers(&self) -> usize {
        self.ear.count("Stranger")
    }

    pub(crate) async fn store(&self, id: &str) {
        let stored = self.backend.set(&key(id), entry(id), &always()).await.unwrap();
        assert_eq!(stored, SetOutcome::Stored);
    }

    pub(crate) async fn has(&self, id: &str) -> bool {
        look(&self.backend, id).await.unwrap() == Slot::Entry(entry(id))
    }

    /// Waits for another connection.
    async fn reconnected(&self, server: &Server) {
        let before = self.ear.count("Listening");
        server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        eventually(|| async { self.ear.count("Listening") > before }).await;
        recovered(&self.backend).await;
    }
}

/// Returns the group of everything.
pub(crate) fn all() -> Group {
    key("a").groups().next().unwrap()
}

async fn the_same_process_is_no_stranger_and_nothing_ends(server: Server) {
    let instance = Instance::at(&server.url());
    instance.backend.ping().await.unwrap();
    assert_eq!(instance.ear.heard(), ["Stranger", "Listening"]);
    let (identity, number) = (instance.identified(None).await, instance.generation().await);
    assert_eq!(identity.turn(), 1);

    for _ in 0..3 {
        instance.reconnected(&server).await;
    }

    assert_eq!(instance.strangers(), 0);
    assert_eq!(instance.identified(Some(&identity)).await, identity);
    assert_eq!(instance.generation().await, number);
}

async fn a_restart_is_a_stranger_that_ends_everything(server: Server) {
    let instance = Instance::at(&server.url());
    let identity = instance.identified(None).await;
    let number = instance.generation().await;
    instance.ear.heard();

    block_in_place(|| server.restart());
    recovered(&instance.backend).await;

    let mut heard = instance.ear.heard();
    heard.dedup(); // each attempt to connect that fails says it again
    assert_eq!(heard, ["Deaf", "Stranger", "Listening"]);
    let next = instance.identified(Some(&identity)).await;
    assert_eq!(next.turn(), identity.turn() + 1);
    assert_ne!(next.name(), identity.name());
    assert_ne!(instance.generation().await, number);
}

/// Everything from before the snapshot is there again, the number of everything and the record too.
async fn a_restart_from_an_old_snapshot_ends_everything_once_over_all_instances(server: Server) {
    let instances: Vec<_> = (0..8).map(|_| Instance::at(&server.url())).collect();
    let identity = instances[0].identified(None).await;
    instances[0].store("a").await;
    let number = instances[0].generation().await;
    for instance in &instances {
        assert_eq!(instance.identified(None).await, identity);
    }
    server.cli(&["SAVE"]);
    invalidate(&instances[0].backend, &[key("a")]).await;

    block_in_place(|| server.restart());
    for instance in &instances {
        recovered(&instance.backend).await;
    }

    assert!(instances[0].has("a").await, "what was invalidated is back");
    assert_eq!(instances[0].generation().await, number);
    assert!(instances.iter().all(|instance| instance.strangers() == 2));
    let sets = calls(&server, "set");
    let asked = instances.iter().map(|instance| instance.identified(Some(&identity)));
    let answers = join_all(asked).await;
    assert_eq!(answers[0].turn(), identity.turn() + 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_ne!(instances[0].generation().await, number);
    assert_eq!(calls(&server, "set"), sets + 2, "one number and one record");
}

/// Returns how often a server performed a command, for a script too.
fn calls(server: &Server, command: &str) -> u64 {
    let stats = server.cli(&["INFO", "commandstats"]);
    let prefix = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(&prefix));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

/// The first one never restarted, and has all that it ever knew: but not what the other was told.
async fn another_server_at_the_address_ends_everything_and_so_does_the_first_when_it_is_back(
    first: Server,
) {
    let other = Server::builder(Flavour::Redis).start().unwrap();
    let proxy = Proxy::before(&first).unwrap();
    let instance = Instance::at(&proxy.url());
    let identity = instance.identified(None).await;
    instance.store("a").await;
    let number = instance.generation().await;

    proxy.lead_to(&other);
    eventually(|| async { instance.strangers() == 2 }).await;
    recovered(&instance.backend).await;
    let stand_in = instance.identified(Some(&identity)).await;
    assert_eq!(stand_in.turn(), identity.turn() + 1);
    invalidate(&instance.backend, &[key("a")]).await;

    proxy.lead_to(&first);
    eventually(|| async { instance.strangers() == 3 }).await;
    recovered(&instance.backend).await;
    assert!(instance.has("a").await, "it was not told");
    assert_eq!(instance.generation().await, number);
    let again = instance.identified(Some(&stand_in)).await;

    assert_eq!((again.name(), again.turn()), (identity.name(), stand_in.turn() + 1));
    assert_ne!(instance.generation().await, number);
}

async fn a_server_that_was_flushed_is_the_same_and_begins_another_turn(server: Server) {
    let instance = Instance::at(&server.url());
    let identity = instance.identified(None).await;
    instance.ear.heard();

    server.cli(&["FLUSHALL"]);
    instance.ear.hears("Flushed").await;
    instance.reconnected(&server).await;

    assert_eq!(instance.strangers(), 0);
    let next = instance.identified(Some(&identity)).await;
    assert_eq!((next.name(), next.turn()), (identity.name(), identity.turn() + 1));
    assert_eq!(instance.identified(Some(&identity)).await, next);
}

async fn a_list_in_the_place_of_the_record_is_replaced(server: Server) {
    let instance = Instance::at(&server.url());
    server.cli(&["RPUSH", RECORD, "a", "b"]);

    let identity = instance.identified(None).await;

    assert_eq!(server.cli(&["GET", RECORD]), identity.to_stored());
    server.cli(&["SET", RECORD, "junk"]);
    let next = instance.identified(Some(&identity)).await;
    assert_eq!(next.turn(), identity.turn() + 1);
    assert_eq!(server.cli(&["GET", RECORD]), next.to_stored());
}

async fn who_the_server_is_costs_one_look_and_nothing_at_the_next_connection(server: Server) {
    let instance = Instance::at(&server.url());
    let identity = instance.identified(None).await;
    server.cli(&["CONFIG", "RESETSTAT"]);

    assert_eq!(instance.identified(Some(&identity)).await, identity);

    let (gets, evals) = (calls(&server, "get"), calls(&server, "eval"));
    assert_eq!((gets, evals), (1, 0));
    let infos = calls(&server, "info");
    get(&instance.backend, &[key("a")], None).await;
    assert_eq!(calls(&server, "info"), infos + 1, "this very question");
}
