//! The same promises on real servers.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::{Cache, CallOptions, Outcome, RedisBackend, RemoteState, Settings, TtlTable};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{Source, memory, on, on_every_server, until};

on_every_server! {
    an_edit_is_seen_by_every_instance
    an_entry_is_shared_and_then_near
    bytes_by_somebody_else_are_a_counted_miss
    many_callers_on_two_instances_cause_one_load
    redis_stopped_in_the_middle_is_not_noticed_by_callers
    starting_without_redis_works
}

on!(container, Container: an_edit_is_seen_by_every_instance an_entry_is_shared_and_then_near);

fn instance(server: &Server) -> Cache {
    let mut settings = Settings::default();
    settings.remote_timeout = Duration::from_secs(1);
    instance_with(server, settings)
}

fn instance_with(server: &Server, settings: Settings) -> Cache {
    Cache::builder("test")
        .ttl_table(TtlTable::from_toml("default = '1m'").unwrap())
        .settings(settings)
        .near(memory())
        .remote(RedisBackend::new(&server.url()).unwrap())
        .build()
        .unwrap()
}

async fn an_entry_is_shared_and_then_near(server: Server) {
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    let key = one.key("profile").tier("studio").user(42);
    let options = CallOptions::table();

    for (cache, expected) in [(&one, Outcome::Loaded), (&two, Outcome::RemoteHit)] {
        let answer = cache.fetch(&key, &options, || source.load()).await.unwrap();
        assert_eq!((answer.outcome, *answer.value), (expected, 1));
    }
    until("the entry is near", async || {
        let answer = two.fetch(&key, &options, || source.load()).await.unwrap();
        assert_eq!(*answer.value, 1);
        answer.outcome == Outcome::NearHit
    })
    .await;

    assert_eq!(server.cli(&["EXISTS", "test:profile:studio:@42"]), "1");
    let left: u64 = server.cli(&["PTTL", "test:profile:studio:@42"]).parse().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
}

async fn an_edit_is_seen_by_every_instance(server: Server) {
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    let (key, hers) = (one.key("profile").user(1), one.key("profile").user(2));
    for key in [&key, &hers] {
        one.get_or_load(key, || source.load()).await.unwrap();
    }

    one.invalidate(&key).await.unwrap();
    assert_eq!(*two.get_or_load(&key, || source.load()).await.unwrap(), 3);
    one.invalidate_user(1).await.unwrap();

    let third = instance(&server);
    assert_eq!(*third.get_or_load(&key, || source.load()).await.unwrap(), 4);
    assert_eq!(*third.get_or_load(&hers, || source.load()).await.unwrap(), 2);
    server.cli(&["DEL", "test:!user:@2"]);
    let fourth = instance(&server);
    assert_eq!(*fourth.get_or_load(&hers, || source.load()).await.unwrap(), 5);
}

async fn many_callers_on_two_instances_cause_one_load(server: Server) {
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    let key = one.key("profile");
    let load = || async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        source.load().await
    };

    let calls = (0..1000).map(|index| [&one, &two][index % 2].get_or_load(&key, load));
    let answers = futures_util::future::join_all(calls).await;

    assert!(answers.into_iter().all(|answer| *answer.unwrap() == 1));
    assert_eq!(source.loads(), 1);
}

async fn bytes_by_somebody_else_are_a_counted_miss(server: Server) {
    let (cache, source) = (instance(&server), Source::default());
    let key = cache.key("profile").user(1);
    let name = key.as_str();
    for command in [&["SET", name, "junk"][..], &["RPUSH", name, "a", "b"]] {
        server.cli(&["DEL", name]);
        server.cli(command);
        let before = cache.stats().flaws["foreign"];

        let answer = cache.get_or_load(&key, || source.load()).await.unwrap();

        assert_eq!(*answer, source.loads());
        assert_eq!(cache.stats().flaws["foreign"], before + 1);
        let other = instance(&server);
        assert_eq!(*other.get_or_load(&key, || source.load()).await.unwrap(), *answer, "replaced");
        cache.invalidate(&key).await.unwrap();
    }
    server.cli(&["SET", "test:!user:@1", "garbage"]);
    assert!(*cache.get_or_load(&key, || source.load()).await.unwrap() > 0);
}

/// The peers answer with errors, or after 19 to 104 seconds.
async fn redis_stopped_in_the_middle_is_not_noticed_by_callers(server: Server) {
    let settings = Settings::from_toml("remote_timeout = '250ms'\ndegraded_ttl = '1ms'").unwrap();
    let cache = instance_with(&server, settings);
    let source = Arc::new(Source::default());
    let ask = async || {
        let key = cache.key("profile").user(rand_user());
        let source = Arc::clone(&source);
        cache.get_or_load(&key, || async move { source.load().await }).await.unwrap();
    };
    for _ in 0..50 {
        ask().await;
    }

    server.kill();
    until("the outage is noticed, by nobody else", async || {
        ask().await;
        cache.health().await.remote.unwrap().state == RemoteState::Down
    })
    .await;

    server.restart();
    until("the remote level is used again", async || {
        ask().await;
        cache.health().await.is_complete()
    })
    .await;
    let key = cache.key("after");
    until("an entry is stored again", async || {
        cache.get_or_load(&key, || source.load()).await.unwrap();
        server.cli(&["EXISTS", key.as_str()]) == "1"
    })
    .await;
}

async fn starting_without_redis_works(server: Server) {
    server.kill();
    let cache = instance(&server);
    let (key, source) = (cache.key("profile"), Source::default());

    for _ in 0..10 {
        assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 1);
    }

    server.restart();
    let other = instance(&server);
    until("the entry of another instance is found", async || {
        let key = cache.key("shared");
        other.get_or_load(&key, || source.load()).await.unwrap();
        cache.get::<u32>(&key).await.unwrap().is_some()
    })
    .await;
}

fn rand_user() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) % 20
}
