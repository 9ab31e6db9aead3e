//! P3 where a store tells its writer of its own fills: decisions/0007.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use cache_aside::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, News, SetMode, SetOptions, SetOutcome, Slot,
};
use cache_aside::wire::Stamp;
use cache_aside::{Cache, CallOptions, Generation, Group, Key, MemoryBackend, Outcome, Result};

use crate::common::{Source, builder, memory};

/// What becomes of a fill, and what is told of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    /// It is echoed.
    Echo,
    /// Somebody else removes it in the same turn: one message for both.
    EchoAndForeign,
    /// It is echoed, and removed by somebody else once it has been looked at.
    EchoThenForeign,
    /// A server that does not echo any more.
    Silence,
    /// The same, and it is removed by somebody else once it has been looked at.
    SilenceThenForeign,
}

/// Memory that tells its one user of fills, as Redis does.
#[derive(Clone, Debug)]
struct Echoing {
    inner: MemoryBackend,
    turn: Arc<Mutex<Turn>>,
    listener: Arc<OnceLock<Weak<dyn Listener>>>,
}

impl Echoing {
    fn new() -> Self {
        let turn = Arc::new(Mutex::new(Turn::Echo));
        Self { inner: memory(), turn, listener: Arc::default() }
    }

    fn set_turn(&self, turn: Turn) {
        *self.turn.lock().unwrap() = turn;
    }

    fn turn(&self) -> Turn {
        *self.turn.lock().unwrap()
    }

    fn tell(&self, news: News<'_>) {
        self.listener.get().unwrap().upgrade().unwrap().hear(news);
    }

    async fn remove(&self, key: &Key) {
        self.inner.invalidate(std::slice::from_ref(key), &InvalidateOptions::default()).await;
    }
}

#[async_trait::async_trait]
impl Backend for Echoing {
    fn capabilities(&self) -> Capabilities {
        Capabilities::shared()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        self.inner.get(keys, lease).await
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        let outcome = self.inner.set(key, entry, options).await?;
        if outcome == SetOutcome::Refused || options.mode == SetMode::Always {
            return Ok(outcome);
        }
        if self.turn() == Turn::EchoAndForeign {
            self.remove(key).await;
        }
        if !matches!(self.turn(), Turn::Silence | Turn::SilenceThenForeign) {
            self.tell(News::Changed(key.as_bytes()));
        }
        Ok(SetOutcome::Echoed)
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        let holds = self.inner.holds(key, stamp).await;
        if matches!(self.turn(), Turn::EchoThenForeign | Turn::SilenceThenForeign) {
            self.remove(key).await;
            self.tell(News::Changed(key.as_bytes()));
        }
        holds
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        self.inner.invalidate(keys, options).await
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        self.inner.release(key, stamp).await
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        self.inner.generations(groups, ttl).await
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        self.inner.advance(groups, options).await
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        self.inner.identify(all, seen).await
    }

    fn listen(&self, _: &ListenOptions, listener: Weak<dyn Listener>) {
        self.listener.set(listener).unwrap();
        self.tell(News::Listening);
    }

    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

impl fmt::Display for Echoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("echoing")
    }
}

/// Asks twice, after as many fills as `before`; what is known of the server differs with them.
async fn asked_twice(turn: Turn, before: usize) -> [Outcome; 2] {
    let backend = Echoing::new();
    let cache: Cache = builder().near(memory()).remote(backend.clone()).build().unwrap();
    let source = Source::default();
    for fill in 0..before {
        cache.get_or_load(&cache.key("before").arg(fill), || source.load()).await.unwrap();
    }
    backend.set_turn(turn);
    let (key, options) = (cache.key("profile"), CallOptions::table());
    let ask = async || cache.fetch(&key, &options, || source.load()).await.unwrap().outcome;
    [ask().await, ask().await]
}

#[tokio::test]
async fn a_fill_that_is_echoed_is_near() {
    for before in [0, 1, 2] {
        assert_eq!(asked_twice(Turn::Echo, before).await, [Outcome::Loaded, Outcome::NearHit]);
    }
}

#[tokio::test]
async fn an_echo_that_stands_for_somebody_elses_change_too_ends_the_copy() {
    for before in [0, 1, 2] {
        let outcomes = asked_twice(Turn::EchoAndForeign, before).await;
        assert_eq!(outcomes, [Outcome::Loaded, Outcome::Loaded]);
    }
}

#[tokio::test]
async fn news_behind_the_echo_end_the_copy() {
    for before in [0, 1, 2] {
        let outcomes = asked_twice(Turn::EchoThenForeign, before).await;
        assert_eq!(outcomes, [Outcome::Loaded, Outcome::Loaded]);
    }
}

/// The first news of a server that does not echo would be taken for the echo.
#[tokio::test]
async fn a_server_that_does_not_echo_is_found_out() {
    assert_eq!(asked_twice(Turn::Silence, 0).await, [Outcome::Loaded, Outcome::NearHit]);
    let outcomes = asked_twice(Turn::SilenceThenForeign, 0).await;
    assert_eq!(outcomes, [Outcome::Loaded, Outcome::Loaded]);
}

/// A removal in the same turn as our lease is not told: the last change counts, and it was ours.
#[tokio::test]
async fn a_lease_that_is_taken_ends_what_is_near_under_its_key() {
    let backend = Echoing::new();
    let cache: Cache = builder().near(memory()).remote(backend.clone()).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();
    backend.remove(&key).await;
    assert!(cache.get::<u32>(&key).await.unwrap().is_some(), "it is near, and nobody has told");

    let failed = cache.get_or_load::<String, _, _, _>(&key, || async { Err("away") }).await;

    assert_eq!(failed.unwrap_err(), "away");
    assert_eq!(cache.get::<u32>(&key).await.unwrap(), None);
}
