//! P9: a store that turns out to be another, or to have forgotten, is not trusted.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use cache_aside::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, News, SetOptions, SetOutcome, Slot,
};
use cache_aside::testing::{Fault, Faulty, Operation, Recorder};
use cache_aside::wire::Stamp;
use cache_aside::{
    Cache, CallOptions, Generation, Group, Key, MemoryBackend, Outcome, RemoteState, Result,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::common::{Source, builder, memory, settings, until};

/// A store that instances share, and that can become another. `Clone` clones the handle.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    inner: MemoryBackend,
    state: Arc<Mutex<State>>,
    /// Reads wait for a permit each.
    reads: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    name: &'static str,
    stored: Option<Identity>,
    turns: u32,
    listeners: Vec<Weak<dyn Listener>>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let state = State { name: "a", stored: None, turns: 0, listeners: Vec::new() };
        let reads = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { inner: memory(), state: Arc::new(Mutex::new(state)), reads }
    }

    /// Becomes the server with this name; who is connected is told, as by a new connection.
    fn become_server(&self, name: &'static str) {
        self.become_quiet(name);
        self.tell(News::Partly);
    }

    /// As [`become_server`](Self::become_server), one that will not tell of anything.
    fn become_quiet(&self, name: &'static str) {
        self.state.lock().unwrap().name = name;
        self.tell(News::Stranger);
    }

    /// Tells all who are connected.
    pub(crate) fn tell(&self, news: News<'_>) {
        let listeners = self.state.lock().unwrap().listeners.clone();
        listeners.iter().filter_map(Weak::upgrade).for_each(|listener| listener.hear(news));
    }

    /// Returns how often everything was ended.
    fn turns(&self) -> u32 {
        self.state.lock().unwrap().turns
    }
}

#[async_trait::async_trait]
impl Backend for Shared {
    fn capabilities(&self) -> Capabilities {
        Capabilities::shared()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        let slots = self.inner.get(keys, lease).await;
        self.reads.acquire().await.unwrap().forget();
        slots
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        self.inner.set(key, entry, options).await
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        self.inner.holds(key, stamp).await
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
        let next = {
            let mut state = self.state.lock().unwrap();
            let known = state.stored.clone().filter(|stored| stored.succeeds(seen, state.name));
            if let Some(known) = known {
                return Ok(known);
            }
            state.turns += 1;
            let next = Identity::successor(state.stored.as_ref(), seen, state.name);
            state.stored = Some(next.clone());
            next
        };
        let options = AdvanceOptions::new(Duration::from_secs(60));
        self.inner.advance(std::slice::from_ref(all), &options).await?;
        Ok(next)
    }

    fn listen(&self, _: &ListenOptions, listener: Weak<dyn Listener>) {
        self.state.lock().unwrap().listeners.push(listener);
    }

    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }

    async fn close(&self) {}
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shared")
    }
}

fn instance(store: impl Backend) -> Cache {
    let mut settings = settings();
    settings.remote_timeout = Duration::from_millis(100);
    builder().settings(settings).near(memory()).remote(store).build().unwrap()
}

async fn ask(cache: &Cache, key: &Key, source: &Source) -> (u32, Outcome) {
    let options = CallOptions::table();
    let answer = cache.fetch(key, &options, || source.load()).await.unwrap();
    (*answer.value, answer.outcome)
}

#[tokio::test(start_paused = true)]
async fn a_shared_store_says_who_it_is_before_anything_is_read_and_once() {
    let recorder = Recorder::new(Shared::new());
    let cache = instance(recorder.clone());
    let source = Source::default();

    for user in 0..3 {
        ask(&cache, &cache.key("profile").user(user), &source).await;
    }

    let operations = recorder.take();
    assert_eq!(operations[0], Operation::Identify);
    let asked = operations.iter().filter(|operation| **operation == Operation::Identify).count();
    assert_eq!(asked, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_from_before_another_server_is_served_and_it_ends_once() {
    let store = Shared::new();
    let caches: Vec<_> = (0..5).map(|_| instance(store.clone())).collect();
    let (key, source) = (caches[0].key("profile"), Source::default());
    for cache in &caches {
        assert_eq!(ask(cache, &key, &source).await.0, 1);
        assert_eq!(ask(cache, &key, &source).await, (1, Outcome::NearHit));
    }
    assert_eq!(store.turns(), 1);

    store.become_server("b");

    let answers = caches.iter().map(|cache| ask(cache, &key, &source));
    for (value, _) in futures_util::future::join_all(answers).await {
        assert_eq!(value, 2);
    }
    assert_eq!((store.turns(), source.loads()), (2, 2));
    assert_eq!(caches[0].stats().strangers, 1);
}

/// A server that tells of changes has that ended by being heard.
#[tokio::test(start_paused = true)]
async fn what_is_near_ends_with_its_server_also_where_nobody_tells_of_changes() {
    let store = Shared::new();
    let cache = instance(store.clone());
    let (key, source) = (cache.key("profile"), Source::default());
    ask(&cache, &key, &source).await;
    assert_eq!(ask(&cache, &key, &source).await, (1, Outcome::NearHit));

    store.become_quiet("b");

    until("it is loaded", async || ask(&cache, &key, &source).await == (2, Outcome::Loaded)).await;
}

/// It never restarted, and has the turn of before.
#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_after_another_stood_in_for_it_is_not_trusted() {
    let store = Shared::new();
    let cache = instance(store.clone());
    let (key, source) = (cache.key("profile"), Source::default());
    ask(&cache, &key, &source).await;
    let stored = store.state.lock().unwrap().stored.clone();

    store.become_server("b");
    assert_eq!(ask(&cache, &key, &source).await.0, 2);
    store.state.lock().unwrap().stored = stored;
    store.become_server("a");

    assert_eq!(ask(&cache, &key, &source).await.0, 3);
}

/// Who only listens must know that another one was there, or the first is taken for what it was.
#[tokio::test(start_paused = true)]
async fn an_instance_that_asks_nothing_knows_of_every_server_all_the_same() {
    let store = Shared::new();
    let cache = instance(store.clone());
    let (key, source) = (cache.key("profile"), Source::default());
    ask(&cache, &key, &source).await;
    let stored = store.state.lock().unwrap().stored.clone();

    store.become_server("b");
    until("it is greeted", async || store.turns() == 2).await;
    store.state.lock().unwrap().stored = stored;
    store.become_server("a");

    assert_eq!(ask(&cache, &key, &source).await, (2, Outcome::Loaded));
}

#[tokio::test(start_paused = true)]
async fn the_same_server_once_more_ends_nothing() {
    let store = Shared::new();
    let cache = instance(store.clone());
    let (key, source) = (cache.key("profile"), Source::default());
    ask(&cache, &key, &source).await;

    store.become_server("a");

    assert_eq!(ask(&cache, &key, &source).await, (1, Outcome::RemoteHit));
    let newcomer = instance(store.clone());
    assert_eq!(ask(&newcomer, &key, &source).await, (1, Outcome::RemoteHit));
    assert_eq!(store.turns(), 1);
}

/// The answer may be that of the server from before, or from an old copy.
#[tokio::test(start_paused = true)]
async fn an_answer_that_was_under_way_when_the_server_changed_does_not_count() {
    let store = Shared::new();
    let writer = instance(store.clone());
    let (key, source) = (writer.key("profile"), Source::default());
    ask(&writer, &key, &source).await;
    let reader = instance(store.clone());
    ask(&reader, &reader.key("other"), &source).await;
    let loads = source.loads();
    store.reads.forget_permits(Semaphore::MAX_PERMITS);

    let answer = ask(&reader, &key, &source);
    let change = async {
        until("it reads", async || true).await;
        tokio::task::yield_now().await;
        store.become_server("b");
        store.reads.add_permits(1000);
    };
    let ((value, outcome), ()) = tokio::join!(answer, change);

    assert_eq!((value, outcome), (loads + 1, Outcome::Loaded));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_say_who_it_is_is_down_and_nobody_waits() {
    for fault in [Fault::Fail, Fault::Hang, Fault::DropReply] {
        let faulty = Faulty::new(Shared::new());
        faulty.set_rule(move |operation| (operation == Operation::Identify).then_some(fault));
        let cache = instance(faulty.clone());
        let source = Source::default();

        for call in 0..10 {
            let started = Instant::now();
            let key = cache.key("profile").arg(call);
            assert_eq!(ask(&cache, &key, &source).await.1, Outcome::Loaded);
            let limit = if call == 0 { 101 } else { 0 };
            assert!(started.elapsed().as_millis() <= limit, "{fault:?}, call {call}");
        }
        assert_eq!(cache.health().await.remote.unwrap().state, RemoteState::Down);

        faulty.set_fault(None);
        until("it is used", async || cache.health().await.is_complete()).await;
    }
}

/// Waiting for the next probe could take a second.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_heard_again_is_used_at_once() {
    let store = Shared::new();
    let faulty = Faulty::new(store.clone());
    let cache = instance(faulty.clone());
    let source = Source::default();
    faulty.set_fault(Fault::Fail);
    ask(&cache, &cache.key("profile"), &source).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!cache.health().await.is_complete());

    faulty.set_fault(None);
    store.become_server("b");
    let started = Instant::now();
    until("it is used", async || cache.health().await.is_complete()).await;

    assert!(started.elapsed() < Duration::from_millis(50), "{:?}", started.elapsed());
}

/// A server that is slow, and tells what others change all the same.
#[tokio::test(start_paused = true)]
async fn news_do_not_make_probes_more_frequent() {
    let store = Shared::new();
    let recorder = Recorder::new(Faulty::new(store.clone()));
    let faulty = Faulty::new(recorder.clone());
    let cache = instance(faulty.clone());
    let key = cache.key("profile");
    ask(&cache, &key, &Source::default()).await;
    faulty.set_rule(|operation| match operation {
        Operation::Ping => Some(Fault::Delay(Duration::from_millis(90))),
        _ => Some(Fault::Fail),
    });
    until("it is down", async || {
        cache.get::<u32>(&cache.key("another")).await.unwrap();
        !cache.health().await.is_complete()
    })
    .await;
    recorder.take();

    for _ in 0..10_000 {
        store.tell(News::Alive);
        store.tell(News::Changed(b"test:other"));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    let probes = recorder.take().len();
    assert!((8..30).contains(&probes), "about one a second, not {probes} in ten");
}

/// What was invalidated in the outage is told to whoever is there after it, after he was greeted.
#[tokio::test(start_paused = true)]
async fn another_server_is_told_what_the_one_before_was_owed() {
    let store = Shared::new();
    let recorder = Recorder::new(store.clone());
    let faulty = Faulty::new(recorder.clone());
    let cache = instance(faulty.clone());
    let (key, source) = (cache.key("profile"), Source::default());
    ask(&cache, &key, &source).await;
    faulty.set_fault(Fault::Fail);
    for _ in 0..3 {
        cache.invalidate(&key).await.unwrap();
    }
    until("it is down", async || {
        cache.get::<u32>(&key).await.unwrap();
        !cache.health().await.is_complete()
    })
    .await;
    recorder.take();

    store.become_server("b");
    faulty.set_fault(None);
    until("it is used", async || cache.health().await.is_complete()).await;

    let operations = recorder.take();
    assert_eq!(operations[..3], [Operation::Ping, Operation::Identify, Operation::Invalidate]);
}
