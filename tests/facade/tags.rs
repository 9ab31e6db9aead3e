//! P2 and P3 for tags, known before a load or only after it.

use std::convert::Infallible;
use std::time::Duration;

use cache_aside::backend::{Backend, SetMode, SetOptions, SetOutcome};
use cache_aside::testing::{Operation, Recorder};
use cache_aside::{Cache, CallOptions, Key, Loaded, Outcome, RedisBackend};
use cache_test_servers::{Flavour, Server, server_or_return};
use tokio::sync::oneshot;

use crate::common::{SlowLoad, Source, builder, memory, near_only, on_every_server, until};

/// Two instances over one remote level.
fn pair() -> [Cache; 2] {
    let shared = memory();
    [0, 1].map(|_| builder().near(memory()).remote(shared.clone()).build().unwrap())
}

async fn load_tagged(cache: &Cache, key: &Key, source: &Source, tags: &[&str]) -> (u32, Outcome) {
    let load = || async {
        let loaded = Loaded::new(source.load().await?);
        Ok::<_, Infallible>(tags.iter().fold(loaded, |loaded, tag| loaded.tag(*tag)))
    };
    let answer = cache.fetch_loaded(key, &CallOptions::table(), load).await.unwrap();
    (*answer.value, answer.outcome)
}

#[tokio::test]
async fn a_tag_ends_every_entry_that_has_it_and_no_others() {
    for late in [false, true] {
        let [one, two] = pair();
        let source = Source::default();
        let keys = [1, 2, 3].map(|id| one.key("search").arg(id).arg(late));
        let tags: [&[&str]; 3] = [&["rust", "team:7"], &["rust"], &["other"]];
        for (key, tags) in keys.iter().zip(tags) {
            if late {
                load_tagged(&one, key, &source, tags).await;
            } else {
                let key = tags.iter().fold(key.clone(), |key, tag| key.tag(tag));
                one.get_or_load(&key, || source.load()).await.unwrap();
            }
        }

        one.invalidate_tag("rust").await.unwrap();

        for cache in [&one, &two] {
            assert_eq!(cache.get::<u32>(&keys[0]).await.unwrap(), None);
            assert_eq!(cache.get::<u32>(&keys[1]).await.unwrap(), None);
            assert_eq!(cache.get::<u32>(&keys[2]).await.unwrap().as_deref(), Some(&3));
        }
        two.invalidate_tag("other").await.unwrap();
        assert_eq!(two.get::<u32>(&keys[2]).await.unwrap(), None);
    }
}

/// The entry knows its tags, whoever reads it.
#[tokio::test]
async fn a_reader_that_names_no_tags_honours_those_of_the_entry() {
    let [one, two] = pair();
    let (plain, source) = (one.key("search").arg("q"), Source::default());
    one.get_or_load(&plain.clone().tag("rust"), || source.load()).await.unwrap();
    let read = async |cache: &Cache| {
        cache.fetch(&plain, &CallOptions::table(), || source.load()).await.unwrap().outcome
    };
    assert_eq!(read(&two).await, Outcome::RemoteHit);
    assert_eq!(read(&two).await, Outcome::NearHit);

    two.invalidate_tag("rust").await.unwrap();

    assert_eq!(read(&two).await, Outcome::Loaded);
    assert_eq!(read(&two).await, Outcome::NearHit, "the entry has no tags now");
    two.invalidate_tag("rust").await.unwrap();
    assert_eq!(read(&two).await, Outcome::NearHit);
}

#[tokio::test]
async fn a_load_under_way_when_its_tag_ends_is_not_kept() {
    for same_instance in [true, false] {
        let [one, two] = pair();
        let key = one.key("search").tag("rust");
        let load = SlowLoad::start(&one, &key, 1).await;

        let writer = if same_instance { &one } else { &two };
        writer.invalidate_tag("rust").await.unwrap();
        load.finish().await;

        assert_eq!(two.get::<u32>(&key).await.unwrap(), None);
        if same_instance {
            assert_eq!(one.get::<u32>(&key).await.unwrap(), None);
        }
    }
}

/// The tag's number could only be read after the load, when it is the new one.
#[tokio::test]
async fn a_load_that_names_its_tag_after_that_was_invalidated_is_not_kept() {
    for (same_instance, remote) in [(true, true), (false, true), (true, false)] {
        let [one, two] = pair();
        let one = if remote { one } else { near_only() };
        let key = one.key("search");
        let (end, ended) = oneshot::channel::<()>();
        let loads = one.stats().total().loads;
        let call = tokio::spawn({
            let (cache, key) = (one.clone(), key.clone());
            async move {
                let load = || async {
                    ended.await.unwrap();
                    Ok::<_, Infallible>(Loaded::new(1_u32).tag("rust"))
                };
                cache.fetch_loaded(&key, &CallOptions::table(), load).await.unwrap()
            }
        });
        until("the load is under way", async || one.stats().total().loads > loads).await;

        let writer = if same_instance { &one } else { &two };
        writer.invalidate_tag("rust").await.unwrap();
        end.send(()).unwrap();

        assert_eq!(*call.await.unwrap().value, 1);
        assert_eq!(one.get::<u32>(&key).await.unwrap(), None);
        assert_eq!(two.get::<u32>(&key).await.unwrap(), None);
        let source = Source::default();
        load_tagged(&one, &key, &source, &["rust"]).await;
        assert_eq!(load_tagged(&one, &key, &source, &["rust"]).await, (1, Outcome::NearHit));
    }
}

/// The flight does not know yet that the tag is one of its own.
#[tokio::test]
async fn a_call_after_a_tag_was_invalidated_does_not_join_a_load_that_may_name_it() {
    let cache = near_only();
    let (key, source) = (cache.key("search"), Source::default());
    let (end, ended) = oneshot::channel::<()>();
    let early = tokio::spawn({
        let (cache, key) = (cache.clone(), key.clone());
        async move {
            let load = || async {
                ended.await.unwrap();
                Ok::<_, Infallible>(Loaded::new(0_u32).tag("rust"))
            };
            *cache.fetch_loaded(&key, &CallOptions::table(), load).await.unwrap().value
        }
    });
    until("the load is under way", async || cache.stats().total().loads == 1).await;

    cache.invalidate_tag("rust").await.unwrap();

    assert_eq!(load_tagged(&cache, &key, &source, &["rust"]).await, (1, Outcome::Loaded));
    end.send(()).unwrap();
    assert_eq!(early.await.unwrap(), 0);
    assert_eq!(load_tagged(&cache, &key, &source, &["rust"]).await, (1, Outcome::NearHit));
}

#[tokio::test]
async fn a_tag_can_be_guarded_around_a_commit() {
    let [one, two] = pair();
    let (key, source) = (one.key("search").tag("rust"), Source::default());
    let late = one.key("late");
    let guard = one.changes().tag("rust").tag("more").begin().await.unwrap();

    for expected in [1, 2] {
        assert_eq!(*one.get_or_load(&key, || source.load()).await.unwrap(), expected);
    }
    load_tagged(&one, &late, &source, &["rust"]).await;
    assert_eq!(two.get::<u32>(&late).await.unwrap(), None);
    let other = one.key("other");
    load_tagged(&one, &other, &source, &["else"]).await;
    assert!(two.get::<u32>(&other).await.unwrap().is_some(), "other tags are not held");
    guard.finish().await.unwrap();

    one.get_or_load(&key, || source.load()).await.unwrap();
    assert!(two.get::<u32>(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn a_tag_that_cannot_be_stored_is_an_answer_all_the_same() {
    let [one, two] = pair();
    let (key, source) = (one.key("search"), Source::default());
    let long = "x".repeat(300);

    assert_eq!(load_tagged(&one, &key, &source, &[&long]).await, (1, Outcome::Loaded));

    assert_eq!(two.get::<u32>(&key).await.unwrap(), None);
    assert_eq!(one.stats().values_unsupported, 1);
}

/// Bytes that look like an entry with tags are none.
#[tokio::test]
async fn bytes_of_strangers_make_no_tags() {
    let shared = memory();
    let recorder = Recorder::new(shared.clone());
    let cache = builder().remote(recorder.clone()).build().unwrap();
    let (key, source) = (cache.key("search"), Source::default());
    let mut bytes = vec![0; 64];
    bytes[19] = 2;
    bytes.extend(b"\x01\x04rust");
    let always = SetOptions::new(Duration::from_secs(60), SetMode::Always);
    let stored = shared.set(&key, bytes.into(), &always).await.unwrap();
    assert_eq!(stored, SetOutcome::Stored);

    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 1);

    let asked = recorder.take().into_iter().filter(|it| *it == Operation::Generations).count();
    assert_eq!(asked, 1, "for the groups of the key");
}

on_every_server! {
    a_tag_is_heard_by_every_instance
    a_lost_number_of_a_tag_costs_a_miss
}

fn instance(server: &Server) -> Cache {
    let backend = RedisBackend::new(&server.url()).unwrap();
    builder().near(memory()).remote(backend).build().unwrap()
}

async fn a_tag_is_heard_by_every_instance(server: Server) {
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    let key = one.key("search");
    let near = async |cache: &Cache| {
        let mut value = 0;
        until("a near hit", async || {
            let (seen, outcome) = load_tagged(cache, &key, &source, &["rust"]).await;
            value = seen;
            outcome == Outcome::NearHit
        })
        .await;
        value
    };
    for _ in 0..20 {
        let value = near(&one).await;
        assert_eq!(near(&two).await, value);

        one.invalidate_tag("rust").await.unwrap();

        assert!(near(&one).await > value);
        until("the other has heard of it", async || near(&two).await > value).await;
    }
}

async fn a_lost_number_of_a_tag_costs_a_miss(server: Server) {
    let (cache, source) = (instance(&server), Source::default());
    let key = cache.key("search").tag("rust");
    cache.get_or_load(&key, || source.load()).await.unwrap();

    assert_eq!(server.cli(&["DEL", "test:!tag:rust"]), "1");

    until("it is loaded again", async || {
        *cache.get_or_load(&key, || source.load()).await.unwrap() == 2
    })
    .await;
}
