//! P4: a store that reaches some of its keys, as a cluster does that has lost a node.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use cache_aside::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, SetOptions, SetOutcome, Slot,
};
use cache_aside::wire::Stamp;
use cache_aside::{Error, ErrorKind, Generation, Group, Invalidation, Key, MemoryBackend, Result};

use crate::batches::{Table, all, ask, keys};
use crate::common::{builder, memory, settings};

/// Some keys live on a node that is away.
#[tokio::test]
async fn keys_that_cannot_be_reached_are_loaded_and_the_others_found() {
    let shared = memory();
    let healthy = builder().remote(shared.clone()).build().unwrap();
    let keys = keys(&healthy, 9);
    ask(&healthy, &keys, &Table::default()).await;
    let table = Table::default();
    let cache = builder().remote(Torn(shared)).build().unwrap();

    assert_eq!(ask(&cache, &keys, &table).await, all(0..9));
    assert_eq!(table.asked(), [[0, 3, 6]]);
    let found = cache.get_many::<u64>(&keys).await.unwrap();
    assert_eq!(found.iter().filter(|value| value.is_none()).count(), 3);

    assert_eq!(cache.invalidate_many(&keys).await.unwrap(), Invalidation::Journalled);
    assert_eq!(cache.stats().journal_depth, 3);
    let left = healthy.get_many::<u64>(&keys).await.unwrap();
    let left: Vec<bool> = left.iter().map(Option::is_some).collect();
    assert_eq!(left, (0..9).map(|place| place % 3 == 0).collect::<Vec<_>>());
    assert!(cache.health().await.is_complete(), "one node does not make an outage");
}

#[tokio::test]
async fn failures_between_answers_do_not_make_an_outage() {
    let mut settings = settings();
    settings.calls_to_judge = 1000;
    let cache = builder().settings(settings).remote(Torn(memory())).build().unwrap();
    let keys = keys(&cache, 2);

    for _ in 0..10 {
        cache.get_many::<u64>(&keys[..1]).await.unwrap();
        cache.get_many::<u64>(&keys).await.unwrap();
    }

    assert!(cache.health().await.is_complete());
}

/// A backend that does not reach every third key.
#[derive(Debug)]
struct Torn(MemoryBackend);

impl Torn {
    fn tear<T>(keys: &[Key], results: Vec<Result<T>>) -> Vec<Result<T>> {
        let is_away = |key: &Key| {
            let id: usize = key.as_str().rsplit(':').next().unwrap().parse().unwrap();
            id.is_multiple_of(3)
        };
        let away = || Err(Error::new(ErrorKind::Backend, "the node is away"));
        let torn = keys.iter().zip(results);
        torn.map(|(key, result)| if is_away(key) { away() } else { result }).collect()
    }

    fn reached(keys: &[Key]) -> Vec<Key> {
        let is_reached = |key: &&Key| Self::tear(&[(*key).clone()], vec![Ok(())])[0].is_ok();
        keys.iter().filter(is_reached).cloned().collect()
    }
}

#[async_trait::async_trait]
impl Backend for Torn {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn get(&self, keys: &[Key], _: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        Self::tear(keys, self.0.get(keys, None).await)
    }

    async fn set(&self, key: &Key, entry: bytes::Bytes, to: &SetOptions) -> Result<SetOutcome> {
        self.0.set(key, entry, to).await
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        self.0.holds(key, stamp).await
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        self.0.invalidate(&Self::reached(keys), options).await;
        Self::tear(keys, keys.iter().map(|_| Ok(())).collect())
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        self.0.release(key, stamp).await
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        self.0.generations(groups, ttl).await
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        self.0.advance(groups, options).await
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        self.0.identify(all, seen).await
    }

    fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>) {
        self.0.listen(options, listener);
    }

    async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("torn")
    }
}
