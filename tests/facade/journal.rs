//! P9: an outage undoes nothing.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::backend::News;
use cache_aside::testing::{Fault, Faulty, Operation, Recorder};
use cache_aside::{
    Cache, CallOptions, ErrorKind, InvalidatePolicy, Invalidation, Key, MemoryBackend, Outcome,
    RemoteState,
};
use futures_util::future::poll_immediate;

use crate::common::{Source, builder, memory, settings, until};
use crate::strangers::Shared;

type Remote = Faulty<MemoryBackend>;

/// What an invalidation can be of.
#[derive(Clone, Copy, Debug)]
enum Change {
    All,
    Entity,
    Key,
    Many,
    Set,
    Tag,
    Tier,
    User,
}

const CHANGES: [Change; 8] = [
    Change::All,
    Change::Entity,
    Change::Key,
    Change::Many,
    Change::Set,
    Change::Tag,
    Change::Tier,
    Change::User,
];

impl Change {
    async fn make(self, cache: &Cache, key: &Key) -> cache_aside::Result<Invalidation> {
        match self {
            Self::All => cache.clear().await,
            Self::Entity => cache.invalidate_entity("profile").await,
            Self::Key => cache.invalidate(key).await,
            Self::Many => cache.changes().key(key).user(2).invalidate().await,
            Self::Set => cache.set(key, Arc::new(7_u32)).await.map(|()| Invalidation::Journalled),
            Self::Tag => cache.invalidate_tag("search").await,
            Self::Tier => cache.invalidate_tier("free").await,
            Self::User => cache.invalidate_user(1).await,
        }
    }
}

/// Two instances of one remote level; that of the first can be broken.
fn two(policy: InvalidatePolicy) -> (Remote, Cache, Cache) {
    let store = memory();
    let remote = Faulty::new(store.clone());
    let mut settings = settings();
    settings.invalidate_policy = policy;
    settings.remote_timeout = Duration::from_millis(100);
    let one = builder().settings(settings.clone()).near(memory()).remote(remote.clone());
    let other = builder().settings(settings).remote(store);
    (remote, one.build().unwrap(), other.build().unwrap())
}

fn key(cache: &Cache) -> Key {
    cache.key("profile").tier("free").user(1).tag("search")
}

async fn state(cache: &Cache) -> RemoteState {
    cache.health().await.remote.unwrap().state
}

async fn well(cache: &Cache) {
    until("it has been told", async || {
        state(cache).await == RemoteState::Up && cache.stats().journal_depth == 0
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_invalidated_while_it_was_away_is_gone_when_it_returns() {
    for fault in [Fault::Fail, Fault::Hang, Fault::DropReply] {
        for change in CHANGES {
            let (remote, one, other) = two(InvalidatePolicy::Journal);
            let (key, source) = (key(&one), Source::default());
            assert_eq!(*one.get_or_load(&key, || source.load()).await.unwrap(), 1);

            remote.set_fault(fault);
            let told = change.make(&one, &key).await.unwrap();
            assert_eq!(told, Invalidation::Journalled, "{fault:?} {change:?}");
            remote.set_fault(None);
            well(&one).await;

            let (value, stats) = (other.get::<u32>(&key).await.unwrap(), one.stats());
            assert_eq!(value, None, "{fault:?} {change:?}");
            assert_eq!(stats.journal_depth, 0);
            assert!(stats.invalidations_replayed > 0 && stats.invalidations_journalled > 0);
        }
    }
}

/// Nothing is read before all is replayed: others still find the old value at that time.
#[tokio::test(start_paused = true)]
async fn nothing_is_read_from_it_before_it_has_been_told() {
    for change in CHANGES {
        let (remote, one, _) = two(InvalidatePolicy::Journal);
        let (key, source) = (key(&one), Source::default());
        one.get_or_load(&key, || source.load()).await.unwrap();
        remote.set_fault(Fault::Fail);
        change.make(&one, &key).await.unwrap();
        one.invalidate(&key).await.unwrap();
        remote.set_fault(None);

        loop {
            let options = CallOptions::table();
            let answer = one.fetch(&key, &options, || source.load()).await.unwrap();
            assert!(*answer.value > 1, "{change:?}: {answer:?}");
            one.invalidate(&key).await.unwrap();
            if one.stats().journal_depth == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_strict_writer_gets_an_error_and_it_is_told_all_the_same() {
    let (remote, one, other) = two(InvalidatePolicy::Strict);
    let (key, source) = (key(&one), Source::default());
    one.get_or_load(&key, || source.load()).await.unwrap();

    remote.set_fault(Fault::Fail);
    let error = one.invalidate(&key).await.unwrap_err();
    assert!(error.to_string().contains("could not be told: it is told before"), "{error}");
    assert_eq!(*one.get_or_load(&key, || source.load()).await.unwrap(), 2);
    remote.set_fault(None);
    well(&one).await;

    assert_eq!(other.get::<u32>(&key).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_that_was_dropped_half_way_is_told_later() {
    for change in CHANGES {
        let (remote, one, other) = two(InvalidatePolicy::Journal);
        let (key, source) = (key(&one), Source::default());
        one.get_or_load(&key, || source.load()).await.unwrap();
        remote.set_fault(Fault::Hang);

        assert!(poll_immediate(Box::pin(change.make(&one, &key))).await.is_none());
        remote.set_fault(None);
        assert!(one.stats().journal_depth > 0, "{change:?}");
        well(&one).await;

        assert_eq!(other.get::<u32>(&key).await.unwrap(), None, "{change:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_set_while_it_is_away_is_served_here() {
    let (remote, one, _) = two(InvalidatePolicy::Journal);
    let key = key(&one);
    remote.set_fault(Fault::Fail);

    one.set(&key, Arc::new(7_u32)).await.unwrap();

    assert_eq!(one.get::<u32>(&key).await.unwrap().as_deref(), Some(&7));
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_fails_half_way_goes_on_where_it_was() {
    let (remote, one, other) = two(InvalidatePolicy::Journal);
    let source = Source::default();
    let keys: Vec<Key> = (0..600).map(|number| one.key("profile").arg(number)).collect();
    for key in &keys {
        one.get_or_load(key, || source.load()).await.unwrap();
    }
    remote.set_fault(Fault::Fail);
    one.invalidate_many(&keys).await.unwrap();
    assert_eq!(one.stats().journal_depth, 600);

    let mut pages = 0;
    remote.set_rule(move |operation| {
        pages += usize::from(operation == Operation::Invalidate);
        (pages > 1).then_some(Fault::Fail)
    });
    tokio::time::sleep(Duration::from_secs(10)).await;
    let left = one.stats().journal_depth;
    remote.set_fault(None);
    well(&one).await;

    assert!(left < 600, "one page at least was told");
    for key in &keys {
        assert_eq!(other.get::<u32>(key).await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_the_journal_keeps_ends_everything() {
    let store = memory();
    let remote = Faulty::new(store.clone());
    let mut settings = settings();
    settings.journal_max = 3;
    let one = builder().settings(settings).remote(remote.clone()).build().unwrap();
    let other = builder().remote(store).build().unwrap();
    let source = Source::default();
    let untouched = one.key("untouched");
    one.get_or_load(&untouched, || source.load()).await.unwrap();
    remote.set_fault(Fault::Fail);

    for user in 0..1000 {
        one.invalidate_user(user).await.unwrap();
        assert!(one.stats().journal_depth <= 3);
    }
    remote.set_fault(None);
    well(&one).await;

    assert_eq!(one.stats().journal_overflows, 1);
    assert_eq!(other.get::<u32>(&untouched).await.unwrap(), None);
}

/// One invalidation that is not told does not cost more than the time until it is.
#[tokio::test(start_paused = true)]
async fn one_lost_invalidation_is_told_at_once_and_costs_nothing_near() {
    let faulty = Faulty::new(memory());
    let recorder = Recorder::new(faulty.clone());
    let cache = builder().near(memory()).remote(recorder.clone()).build().unwrap();
    let (key, other) = (cache.key("profile"), cache.key("other"));
    let source = Source::default();
    cache.get_or_load(&other, || source.load()).await.unwrap();
    faulty.set_fault(Fault::Fail);
    cache.invalidate(&key).await.unwrap();
    faulty.set_fault(None);
    recorder.take();

    until("it is told", async || cache.stats().journal_depth == 0).await;

    assert_eq!(recorder.take(), [Operation::Invalidate]);
    assert_eq!(cache.stats().breaker_openings, 0);
    let options = CallOptions::table();
    let answer = cache.fetch(&other, &options, || source.load()).await.unwrap();
    assert_eq!(answer.outcome, Outcome::NearHit);
}

/// Nobody is told of his own changes, and a number from before would make old entries look current.
#[tokio::test(start_paused = true)]
async fn numbers_read_while_a_group_is_owed_are_not_trusted_once_it_is_told() {
    let store = Shared::new();
    let remote = Faulty::new(store.clone());
    let cache = builder().remote(remote.clone()).build().unwrap();
    let (key, source) = (cache.key("profile").user(1), Source::default());
    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 1);
    store.tell(News::Listening);
    remote.set_rule(|operation| (operation == Operation::Advance).then_some(Fault::Fail));

    assert_eq!(cache.invalidate_user(1).await.unwrap(), Invalidation::Journalled);
    cache.set(&key.clone().arg("other"), Arc::new(7_u32)).await.unwrap();
    remote.set_fault(None);
    until("it is told", async || cache.stats().journal_depth == 0).await;

    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 2);
}

/// Replaying an older invalidation would end the guard, and a crash could bring the old value back.
#[tokio::test(start_paused = true)]
async fn no_guard_begins_while_an_invalidation_from_before_is_owed() {
    let (remote, one, _) = two(InvalidatePolicy::Journal);
    let key = key(&one);
    remote.set_rule(|operation| (operation == Operation::Invalidate).then_some(Fault::Fail));
    one.invalidate(&key).await.unwrap();

    let error = one.changes().user(1).key(&key).begin().await.unwrap_err();
    assert!(error.to_string().contains("that a change begins"), "{error}");

    remote.set_fault(None);
    well(&one).await;
    one.changes().key(&key).begin().await.unwrap().finish().await.unwrap();
}

/// The source may still show what was before.
#[tokio::test(start_paused = true)]
async fn a_hold_is_kept_also_while_it_is_owed() {
    let hold = Duration::from_secs(3);
    for is_down in [false, true] {
        let store = memory();
        let remote = Faulty::new(store.clone());
        let mut settings = settings();
        settings.hold = Some(hold);
        settings.failures_to_open = 1;
        let cache = builder().settings(settings).near(memory()).remote(remote.clone());
        let cache = cache.build().unwrap();
        let (key, source) = (key(&cache), Source::default());
        remote.set_rule(move |operation| {
            (is_down || operation == Operation::Invalidate).then_some(Fault::Fail)
        });
        cache.invalidate(&key).await.unwrap();

        for expected in 1..=3 {
            let value = *cache.get_or_load(&key, || source.load()).await.unwrap();
            assert_eq!(value, expected, "nothing is kept, down {is_down}");
        }
        tokio::time::sleep(hold).await;

        for _ in 0..3 {
            assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 4);
        }
    }
}

/// A server that forbids scripts: nothing can be stored, and what was before must go all the same.
#[tokio::test(start_paused = true)]
async fn a_set_that_is_refused_leaves_nothing_old() {
    let (remote, one, other) = two(InvalidatePolicy::Journal);
    let (key, source) = (key(&one), Source::default());
    one.get_or_load(&key, || source.load()).await.unwrap();
    remote.set_rule(|operation| (operation == Operation::Set).then_some(Fault::Refuse));

    let error = one.set(&key, Arc::new(7_u32)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    well(&one).await;

    assert_eq!(other.get::<u32>(&key).await.unwrap(), None);
}

/// Its task ends with the runtime that it was started on.
#[test]
fn what_is_owed_is_told_on_whatever_runtime_there_is() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let (remote, one, other) = two(InvalidatePolicy::Journal);
    let (key, source) = (key(&one), Source::default());
    let first = runtime().unwrap();
    first.block_on(async {
        one.get_or_load(&key, || source.load()).await.unwrap();
        remote.set_rule(|operation| (operation == Operation::Invalidate).then_some(Fault::Fail));
        one.invalidate(&key).await.unwrap();
    });
    drop(first);
    remote.set_fault(None);

    runtime().unwrap().block_on(async {
        until("it has been told", async || {
            one.get::<u32>(&one.key("another")).await.unwrap();
            one.stats().journal_depth == 0
        })
        .await;
        assert_eq!(other.get::<u32>(&key).await.unwrap(), None);
    });
}
