//! Warming: values that are wanted before anybody asks for them.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::Cache;
use crate::engine::answer::Value;
use crate::key::Key;
use crate::policy::CallOptions;
use crate::stats::Outcome;

/// Keys to be warmed; awaited, it loads what is missing of them.
///
/// Made by [`Cache::warm`]. What is cached already is not loaded again, and what cannot be loaded is
/// counted: a cache that is not warm yet answers all the same.
///
/// # Cancellation
///
/// Dropping it ends it; what was loaded stays.
#[must_use = "nothing is loaded before it is awaited"]
pub struct Warming<F> {
    cache: Cache,
    keys: Vec<Key>,
    load: F,
    options: CallOptions,
    concurrency: usize,
    rate: Option<NonZeroU32>,
    on_progress: Arc<dyn Fn(Progress) + Send + Sync>,
}

/// How far warming has come.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Progress {
    /// How many keys there are.
    pub total: usize,
    /// Those that were there already.
    pub hits: usize,
    /// Those that were loaded.
    pub loaded: usize,
    /// Those whose loader failed.
    pub failed: usize,
}

impl Progress {
    /// Returns how many keys are done with.
    pub const fn done(&self) -> usize {
        self.hits + self.loaded + self.failed
    }

    /// Whether nothing is left to do.
    pub const fn is_over(&self) -> bool {
        self.done() >= self.total
    }
}

impl Cache {
    /// Starts the warming of `keys`: `load` is given the place of a key that is missing, and returns
    /// its value.
    ///
    /// ```text
    /// let keys: Vec<_> = plans.iter().map(|plan| cache.key("plan").arg(plan.id)).collect();
    /// let progress = cache.warm(keys, |at| db.load_plan(plans[at].id)).rate(100).await;
    /// ```
    pub fn warm<F>(&self, keys: impl IntoIterator<Item = Key>, load: F) -> Warming<F> {
        Warming {
            cache: self.clone(),
            keys: keys.into_iter().collect(),
            load,
            options: CallOptions::table(),
            concurrency: 8,
            rate: None,
            on_progress: Arc::new(|_| {}),
        }
    }
}

impl<F> Warming<F> {
    /// Sets how many keys are loaded side by side; 8 if not called, 1 at least.
    pub fn concurrency(mut self, keys: usize) -> Self {
        self.concurrency = keys.max(1);
        self
    }

    /// Sets how many keys are begun in a second at most; 0 for as many as there is time for, as
    /// without this.
    pub fn rate(mut self, keys_per_second: u32) -> Self {
        self.rate = NonZeroU32::new(keys_per_second);
        self
    }

    /// Sets options of the calls.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Has every step told, in order. `tell` must not block.
    pub fn on_progress(mut self, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Arc::new(tell);
        self
    }

    async fn run<V, E, Fut>(self) -> Progress
    where
        V: Value,
        F: Fn(usize) -> Fut + Send + Sync,
        Fut: Future<Output = Result<V, E>> + Send,
        E: Send,
    {
        let Self { cache, keys, load, options, concurrency, rate, on_progress } = self;
        let total = keys.len();
        let mut progress = Progress { total, ..Progress::default() };
        let pace = Pace::new(rate);
        let (cache, load, options, pace) = (&cache, &load, &options, &pace);
        let one = |(place, key): (usize, Key)| async move {
            pace.wait().await;
            // A loader that panics is one that fails: the others are warmed all the same.
            let answer = AssertUnwindSafe(cache.fetch(&key, options, || load(place)));
            answer.catch_unwind().await.ok().and_then(Result::ok).map(|answer| answer.outcome)
        };
        let mut steps = stream::iter(keys.into_iter().enumerate().map(one));
        let mut steps = steps.by_ref().buffer_unordered(concurrency);
        while let Some(outcome) = steps.next().await {
            match outcome {
                Some(Outcome::Bypass | Outcome::Loaded) => progress.loaded += 1,
                Some(Outcome::NearHit | Outcome::RemoteHit | Outcome::Stale) => progress.hits += 1,
                None => progress.failed += 1,
            }
            on_progress(progress);
        }
        progress
    }
}

impl<V, E, F, Fut> IntoFuture for Warming<F>
where
    V: Value,
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<V, E>> + Send + 'static,
    E: Send + 'static,
{
    type Output = Progress;
    type IntoFuture = Pin<Box<dyn Future<Output = Progress> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<F> fmt::Debug for Warming<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Warming");
        debug.field("keys", &self.keys.len()).field("concurrency", &self.concurrency);
        debug.field("rate", &self.rate).finish_non_exhaustive()
    }
}

/// Lets so many begin in a second, evenly.
struct Pace {
    step: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    fn new(rate: Option<NonZeroU32>) -> Self {
        let step = rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate.get());
        Self { step, next: Mutex::new(Instant::now()) }
    }

    async fn wait(&self) {
        if self.step.is_zero() {
            return;
        }
        let mut next = self.next.lock().await;
        let turn = (*next).max(Instant::now());
        *next = turn + self.step;
        drop(next);
        sleep_until(turn).await;
    }
}
