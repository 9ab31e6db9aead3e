//! What a connection tells of what others change, and how it does without.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use cache_core::backend::{
    AdvanceOptions, Backend, InvalidateOptions, ListenOptions, Listener, News, SetOutcome, Slot,
};
use cache_core::{ErrorKind, Group};
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Flavour, Server, cluster_or_return, server_or_return};

use crate::common::{LONG, always, connect, entry, eventually, get, key, look, request, under};

/// Long enough for a busy machine, short enough for a test to see the watchdog at work.
const MAX_SILENCE: Duration = Duration::from_secs(1);

/// Keeps what it hears, as text.
#[derive(Debug, Default)]
pub(crate) struct Ear(Mutex<Vec<String>>);

impl Listener for Ear {
    fn hear(&self, news: News<'_>) {
        let text = match news {
            News::Changed(key) => String::from_utf8(key.to_vec()).unwrap(),
            news => format!("{news:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

impl Ear {
    pub(crate) fn on(backend: &RedisBackend) -> Arc<Self> {
        let ear = Arc::new(Self::default());
        let weak = Arc::downgrade(&ear);
        let listener: Weak<dyn Listener> = weak;
        backend.listen(&ListenOptions::new("test:", MAX_SILENCE), listener);
        ear
    }

    /// Returns what was heard since the last time, without what is told over and over.
    pub(crate) fn heard(&self) -> Vec<String> {
        let mut heard = std::mem::take(&mut *self.0.lock().unwrap());
        heard.retain(|news| news != "Alive");
        heard
    }

    pub(crate) fn count(&self, news: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|heard| *heard == news).count()
    }

    pub(crate) async fn hears(&self, news: &str) {
        eventually(|| async { self.count(news) > 0 }).await;
    }
}

/// Connects as a user who may do all but what `rule` takes away.
pub(crate) fn as_user(server: &Server, rule: &str) -> RedisBackend {
    let words = ["ACL", "SETUSER", "app", "reset", "on", ">secret", "~*", "&*", "+@all"];
    server.cli(&words.into_iter().chain(rule.split_whitespace()).collect::<Vec<_>>());
    RedisBackend::new(&server.url_as("app", "secret")).unwrap()
}

fn news<const N: usize>(news: [&str; N]) -> Vec<String> {
    news.map(str::to_owned).into()
}

fn name(id: &str) -> String {
    key(id).as_str().to_owned()
}

/// Sees what another program publishes: it comes after all that was published before.
async fn flush(server: &Server, ear: &Ear, mark: &str) {
    server.cli(&["PUBLISH", "test:!news", &format!("me {mark}")]);
    ear.hears(mark).await;
}

#[tokio::test]
async fn where_tracking_is_refused_instances_tell_each_other_what_they_change() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = server_or_return!(flavour);
        let (one, two) =
            (as_user(&server, "-client|tracking"), as_user(&server, "-client|tracking"));
        let (own, other) = (Ear::on(&one), Ear::on(&two));
        one.ping().await.unwrap();
        two.ping().await.unwrap();
        assert_eq!(
            (own.heard(), other.heard()),
            (news(["Stranger", "Partly"]), news(["Stranger", "Partly"]))
        );
        let groups: Vec<Group> = key("a").user(1).groups().collect();
        let lease = request();
        let (plain, held) = (InvalidateOptions::new(None), InvalidateOptions::new(Some(LONG)));

        assert!(look(&one, "a").await.is_ok());
        one.generations(&groups, LONG).await.unwrap();
        assert!(matches!(one.get(&[key("a")], Some(&lease)).await[0], Ok(Slot::Leased)));
        flush(&server, &other, "quiet").await;
        assert_eq!(other.heard(), ["quiet"], "reading and leasing change nothing");

        let filled = one.set(&key("a"), entry("a"), &under(lease.stamp)).await.unwrap();
        assert_eq!(filled, SetOutcome::Stored, "not echoed");
        one.set(&key("b"), entry("b"), &always()).await.map(drop).unwrap();
        one.release(&key("b"), &lease.stamp).await.unwrap();
        one.invalidate(&[key("c"), key("d")], &plain).await;
        one.invalidate(&[key("e")], &held).await;
        one.advance(&groups[..2], &AdvanceOptions::new(LONG)).await.unwrap();
        flush(&server, &other, "end").await;
        flush(&server, &own, "end").await;

        let expected = ["a", "b", "b", "c", "d", "e"].map(name).to_vec();
        let groups = groups[..2].iter().map(|group| String::from_utf8_lossy(group.as_bytes()));
        let expected = expected.into_iter().chain(groups.map(|group| group.into_owned()));
        let expected: Vec<_> = expected.chain(["end".into()]).collect();
        assert_eq!(other.heard()[..expected.len()], expected);
        assert!(own.heard().iter().all(|news| ["quiet", "end"].contains(&&news[..])));
    }
}

/// Each message comes through every node.
#[tokio::test]
async fn a_cluster_whose_nodes_do_not_tell_is_told_through_all_of_them() {
    let cluster = cluster_or_return!(Flavour::Redis);
    let rule = "reset on >secret ~* &* +@all -client|tracking";
    for node in cluster.nodes() {
        let words = ["ACL", "SETUSER", "app"].into_iter().chain(rule.split_whitespace());
        node.cli(&words.collect::<Vec<_>>());
    }
    let config = RedisConfig::cluster(cluster.seeds()).unwrap().username("app").password("secret");
    let connect = || RedisBackend::with_config(config.clone()).unwrap();
    let (one, two) = (connect(), connect());
    let (own, other) = (Ear::on(&one), Ear::on(&two));
    for (backend, ear) in [(&one, &own), (&two, &other)] {
        backend.ping().await.unwrap();
        ear.hears("Partly").await;
    }

    for id in ["a", "b", "c", "d", "e", "f"] {
        let lease = request();
        assert!(matches!(one.get(&[key(id)], Some(&lease)).await[0], Ok(Slot::Leased)));
        let filled = one.set(&key(id), entry("x"), &under(lease.stamp)).await.unwrap();
        assert_eq!(filled, SetOutcome::Stored);
        eventually(|| async { other.count(&name(id)) >= 3 }).await;
    }
    cluster.nodes()[0].cli(&["PUBLISH", "test:!news", "me end"]);
    eventually(|| async { own.count("end") >= 3 }).await;

    let ours = own.heard().into_iter().find(|news| news.starts_with("test:"));
    assert_eq!(ours, None, "our own messages are known through every node");
}

#[tokio::test]
async fn where_publishing_is_refused_too_everything_else_works_and_nothing_is_told() {
    for rule in ["-client|tracking -subscribe -publish", "-client|tracking resetchannels"] {
        let server = server_or_return!(Flavour::Redis);
        let backend = as_user(&server, rule);
        let ear = Ear::on(&backend);
        let lease = request();

        assert!(matches!(backend.get(&[key("a")], Some(&lease)).await[0], Ok(Slot::Leased)));
        let filled = backend.set(&key("a"), entry("a"), &under(lease.stamp)).await.unwrap();
        backend.invalidate(&[key("b")], &InvalidateOptions::new(None)).await.remove(0).unwrap();

        assert_eq!(filled, SetOutcome::Stored);
        ear.hears("Alive").await;
        assert_eq!(ear.heard(), ["Stranger"]);
    }
}

#[tokio::test]
async fn a_server_that_answers_is_alive_and_one_that_is_lost_is_not_heard() {
    for rule in ["", "-client|tracking"] {
        let server = server_or_return!(Flavour::Valkey);
        let backend = as_user(&server, rule);
        let ear = Ear::on(&backend);
        let state = if rule.is_empty() { "Listening" } else { "Partly" };

        backend.ping().await.unwrap();
        ear.hears("Alive").await;
        server.stop();
        ear.hears("Deaf").await;
        server.resume();
        eventually(|| async { backend.ping().await.is_ok() }).await;

        let heard = ear.heard();
        assert_eq!(heard, ["Stranger", state, "Deaf", state], "{heard:?}");
    }
}

#[tokio::test]
async fn without_the_right_to_run_scripts_no_lease_is_taken() {
    for rule in ["-evalsha", "-eval", "-eval -evalsha", "-getrange"] {
        let server = server_or_return!(Flavour::Redis);
        let full = connect(&server);
        assert_eq!(full.set(&key("b"), entry("b"), &always()).await.unwrap(), SetOutcome::Stored);
        let backend = as_user(&server, rule);
        let _ear = Ear::on(&backend);
        let lease = request();

        let slots = backend.get(&[key("a"), key("b")], Some(&lease)).await;
        let filled = backend.set(&key("b"), entry("x"), &under(lease.stamp)).await.unwrap_err();
        let lease = bytes::Bytes::copy_from_slice(lease.stamp.as_bytes());
        let seized = backend.set(&key("b"), lease, &always()).await.unwrap_err();

        assert!(matches!(&slots[..], [Ok(Slot::Missing), Ok(Slot::Entry(_))]), "{slots:?}");
        for error in [filled, seized] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "no reason to leave the server alone");
            assert!(error.to_string().contains("+eval +evalsha"), "{error}");
        }
        assert_eq!(server.cli(&["EXISTS", &name("a")]), "0");
        assert_eq!(look(&full, "b").await.unwrap(), Slot::Entry(entry("b")));
    }
}

#[tokio::test]
async fn a_right_to_run_scripts_that_comes_or_goes_is_noticed() {
    let server = server_or_return!(Flavour::Valkey);
    let backend = as_user(&server, "-evalsha");
    let _ear = Ear::on(&backend);
    let finds = async |wanted: Slot| {
        server.cli(&["DEL", &name("a")]);
        let found = backend.get(&[key("a")], Some(&request())).await.remove(0);
        found.is_ok_and(|slot| slot == wanted)
    };
    assert!(finds(Slot::Missing).await);

    server.cli(&["ACL", "SETUSER", "app", "+evalsha"]);
    eventually(|| finds(Slot::Leased)).await;

    server.cli(&["ACL", "SETUSER", "app", "-evalsha"]);
    let refused = backend.release(&key("a"), &request().stamp).await.unwrap_err();
    assert!(refused.to_string().contains("add `+evalsha`"), "{refused}");
    eventually(|| finds(Slot::Missing)).await;
}

/// Whoever took it may have lost the right to fill it and to give it back.
#[tokio::test]
async fn without_the_right_to_run_scripts_a_lease_is_not_waited_for() {
    let server = server_or_return!(Flavour::Redis);
    let full = connect(&server);
    assert_eq!(get(&full, &[key("a")], Some(&request())).await, [Slot::Leased]);
    let hold = InvalidateOptions::new(Some(LONG));
    full.invalidate(&[key("b")], &hold).await.remove(0).unwrap();
    let backend = as_user(&server, "-evalsha");
    let _ear = Ear::on(&backend);

    let slots = get(&backend, &[key("a"), key("b")], Some(&request())).await;

    assert_eq!(slots, [Slot::Missing, Slot::Held]);
}

#[tokio::test]
async fn the_first_fill_needs_the_script_no_more() {
    let server = server_or_return!(Flavour::Redis);
    let backend = connect(&server);
    let _ear = Ear::on(&backend);
    let lease = request();
    backend.get(&[key("a")], Some(&lease)).await.remove(0).unwrap();
    server.cli(&["CONFIG", "RESETSTAT"]);

    let filled = backend.set(&key("a"), entry("a"), &under(lease.stamp)).await.unwrap();

    assert_eq!(filled, SetOutcome::Echoed);
    let stats = server.cli(&["INFO", "commandstats"]);
    assert!(!stats.contains("cmdstat_eval:"), "{stats}");
}

/// No rule can take `HELLO` from a user.
#[tokio::test]
async fn a_server_without_the_greeting_is_named() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = Server::builder(flavour).config("rename-command", "HELLO \"\"");
        let server = server_or_return!(server);

        let error = connect(&server).ping().await.unwrap_err();

        assert!(error.to_string().contains("does not know HELLO 3"), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_asked_for_that_an_operator_may_not_want_to_allow() {
    let server = server_or_return!(Flavour::Redis);
    let backend =
        as_user(&server, "-info -config -keys -scan -flushall -flushdb -role -wait -cluster");
    let ear = Ear::on(&backend);
    let lease = request();

    backend.get(&[key("a")], Some(&lease)).await.remove(0).unwrap();
    let filled = backend.set(&key("a"), entry("a"), &under(lease.stamp)).await.unwrap();

    assert_eq!(filled, SetOutcome::Echoed);
    assert_eq!(ear.heard()[..2], ["Stranger", "Listening"]);
}
