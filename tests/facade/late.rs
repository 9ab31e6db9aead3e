//! P2 where answers of the remote level are late: nobody joins a call that knows only the past.

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use cache_aside::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, SetOptions, SetOutcome, Slot,
};
use cache_aside::wire::Stamp;
use cache_aside::{
    Cache, CallOptions, Generation, Group, Key, Loaded, MemoryBackend, Outcome, Result,
};
use futures_util::future::poll_immediate;
use tokio::sync::oneshot;

use crate::common::{Source, builder, memory};

/// What answer is late, once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// Whether a fill is still there.
    Holds,
    /// The number of a tag.
    Tag,
}

/// A backend that answers one question late, and that claims to echo what it writes by comparing.
#[derive(Clone, Debug)]
struct Late {
    inner: MemoryBackend,
    late: Arc<Mutex<Option<Lateness>>>,
}

/// Tells that the question was answered, and waits before the answer is returned.
#[derive(Debug)]
struct Lateness {
    kind: Kind,
    asked: oneshot::Sender<()>,
    end: oneshot::Receiver<()>,
}

impl Late {
    fn new(inner: MemoryBackend) -> Self {
        Self { inner, late: Arc::default() }
    }

    /// The next answer of this kind is late: returns what tells that it was asked for, and what
    /// ends the wait.
    fn next(&self, kind: Kind) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((asked, was_asked), (go_on, end)) = (oneshot::channel(), oneshot::channel());
        *self.late.lock().unwrap() = Some(Lateness { kind, asked, end });
        (was_asked, go_on)
    }

    async fn wait(&self, kind: Kind) {
        let late = self.late.lock().unwrap().take_if(|late| late.kind == kind);
        if let Some(Lateness { asked, end, .. }) = late {
            asked.send(()).unwrap();
            end.await.unwrap();
        }
    }
}

#[async_trait::async_trait]
impl Backend for Late {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        self.inner.get(keys, lease).await
    }

    async fn set(&self, key: &Key, entry: bytes::Bytes, to: &SetOptions) -> Result<SetOutcome> {
        let outcome = self.inner.set(key, entry, to).await?;
        Ok(if outcome == SetOutcome::Stored { SetOutcome::Echoed } else { outcome })
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        let holds = self.inner.holds(key, stamp).await;
        self.wait(Kind::Holds).await;
        holds
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        self.inner.invalidate(keys, options).await
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        self.inner.release(key, stamp).await
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        let generations = self.inner.generations(groups, ttl).await;
        if groups.iter().any(|group| group.as_bytes().ends_with(b"!tag:rust")) {
            self.wait(Kind::Tag).await;
        }
        generations
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        self.inner.advance(groups, options).await
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        self.inner.identify(all, seen).await
    }

    fn listen(&self, _: &ListenOptions, _: Weak<dyn Listener>) {}

    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("late")
    }
}

/// An instance with late answers, and another.
fn pair() -> (Late, Cache, Cache) {
    let shared = memory();
    let late = Late::new(shared.clone());
    let one = builder().near(memory()).remote(late.clone()).build().unwrap();
    (late, one, builder().near(memory()).remote(shared).build().unwrap())
}

fn call(cache: &Cache, key: &Key, value: u32) -> tokio::task::JoinHandle<u32> {
    let (cache, key) = (cache.clone(), key.clone());
    tokio::spawn(async move {
        *cache.get_or_load(&key, || async { Ok::<_, Infallible>(value) }).await.unwrap()
    })
}

/// Neither call names the tag: the entry has it.
#[tokio::test]
async fn a_call_after_a_tag_was_invalidated_does_not_join_a_read_from_before() {
    let (late, one, two) = pair();
    let key = one.key("search");
    let load = || async { Ok::<_, Infallible>(Loaded::new(1_u32).tag("rust")) };
    two.fetch_loaded(&key, &CallOptions::table(), load).await.unwrap();
    let (asked, go_on) = late.next(Kind::Tag);
    let early = call(&one, &key, 99);
    asked.await.unwrap();

    one.invalidate_tag("rust").await.unwrap();
    let mut after = pin!(one.get_or_load(&key, || async { Ok::<_, Infallible>(2_u32) }));
    let answer = poll_immediate(&mut after).await;
    go_on.send(()).unwrap();

    assert_eq!(early.await.unwrap(), 1, "it began before the invalidation");
    let answer = if let Some(answer) = answer { answer } else { after.await };
    assert_eq!(*answer.unwrap(), 2);
}

/// The tags of a load are known, so others' do not end what its callers share.
#[tokio::test]
async fn a_load_under_way_is_joined_though_other_tags_are_invalidated() {
    let (late, one, _) = pair();
    let (key, source) = (one.key("search").tag("rust"), Source::default());
    let (end, ended) = oneshot::channel::<()>();
    let mut early = pin!(one.get_or_load(&key, || async {
        ended.await.unwrap();
        Ok::<_, Infallible>(1_u32)
    }));
    assert!(poll_immediate(&mut early).await.is_none());

    one.invalidate_tag("other").await.unwrap();
    let mut after = pin!(one.get_or_load(&key, || source.load()));
    assert!(poll_immediate(&mut after).await.is_none());
    end.send(()).unwrap();

    assert_eq!((*early.await.unwrap(), *after.await.unwrap()), (1, 1));
    drop(late);
}

/// A server that stops to echo what scripts write, though it is said to.
#[tokio::test]
async fn a_call_after_an_invalidation_does_not_join_a_load_whose_echoes_never_came() {
    let (late, one, two) = pair();
    let (key, source) = (one.key("quote"), Source::default());
    two.get_or_load(&key, || source.load()).await.unwrap();
    two.invalidate_entity("quote").await.unwrap();
    let (asked, go_on) = late.next(Kind::Holds);
    let early = call(&one, &key, 10);
    asked.await.unwrap();

    one.invalidate(&key).await.unwrap();
    let mut after = pin!(one.get_or_load(&key, || async { Ok::<_, Infallible>(11_u32) }));
    let answer = poll_immediate(&mut after).await;
    go_on.send(()).unwrap();

    assert_eq!(early.await.unwrap(), 10);
    let answer = if let Some(answer) = answer { answer } else { after.await };
    assert_eq!(*answer.unwrap(), 11);
    let read = one.fetch(&key, &CallOptions::table(), || source.load()).await.unwrap();
    assert_eq!((*read.value, read.outcome == Outcome::Loaded), (11, false));
}
