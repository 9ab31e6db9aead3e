//! What is warmed when a service starts.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

use super::{Cache, Progress, Warming};
use crate::engine::answer::Value;
use crate::stats::TARGET;

/// A declared list of what is warmed when a service starts, one after the other.
///
/// ```text
/// let warmups = Warmups::new()
///     .add("plans", move |cache| cache.warm(plan_keys, load_plan))
///     .add("pages", move |cache| cache.warm(page_keys, load_page).rate(50));
/// let started = warmups.start(&cache);      // nothing waits for it,
/// started.done().await;                     // unless asked to
/// ```
#[derive(Default)]
#[must_use = "nothing is warmed before `start`"]
pub struct Warmups {
    jobs: Vec<(String, Job)>,
}

/// Warms one item of the list, and tells how far that has come.
type Job = Box<dyn FnOnce(&Cache, Tell) -> Pin<Box<dyn Future<Output = Progress> + Send>> + Send>;
type Tell = Box<dyn Fn(Progress) + Send + Sync>;

impl Warmups {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an item: its name, for health and logs, and what [`Cache::warm`] returned. Its own
    /// `on_progress` is replaced: ask [`Started::progress`].
    pub fn add<V, E, F, Fut>(
        mut self,
        name: &str,
        warming: impl FnOnce(&Cache) -> Warming<F> + Send + 'static,
    ) -> Self
    where
        V: Value,
        F: Fn(usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
        E: Send + 'static,
    {
        let job = |cache: &Cache, tell: Tell| warming(cache).on_progress(tell).into_future();
        self.jobs.push((name.to_owned(), Box::new(job)));
        self
    }

    /// Starts the list in the background; it is part of [`Cache::health`] until the next one starts.
    ///
    /// It holds a handle of the cache until it is over; [`Cache::close`] ends it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(self, cache: &Cache) -> Started {
        let items = self.jobs.iter().map(|(name, _)| WarmHealth::new(name)).collect();
        let board = Arc::new(Board(Mutex::new(items)));
        let (over, is_over) = watch::channel(false);
        let (cache_here, board_here) = (cache.clone(), Arc::clone(&board));
        let task = tokio::spawn(async move {
            for (at, (name, job)) in self.jobs.into_iter().enumerate() {
                let board = Arc::clone(&board_here);
                let tell = Box::new(move |progress| board.note(at, progress, false));
                let progress = job(&cache_here, tell).await;
                board_here.note(at, progress, true);
                let Progress { total, loaded, failed, .. } = progress;
                tracing::info!(
                    name: "cache.warmed",
                    target: TARGET,
                    name,
                    total,
                    loaded,
                    failed,
                    "warmed",
                );
            }
            // Nobody may be waiting any more.
            _ = over.send(true);
        });
        let started = Started { board, is_over };
        cache.engine.note_warmups(started.clone(), task.abort_handle());
        started
    }
}

impl fmt::Debug for Warmups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.jobs.iter().map(|(name, _)| name)).finish()
    }
}

/// A list that is being warmed. `Clone` clones the handle; dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct Started {
    board: Arc<Board>,
    is_over: watch::Receiver<bool>,
}

impl Started {
    /// Returns how far each item has come.
    pub fn progress(&self) -> Vec<WarmHealth> {
        self.board.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until all items have been warmed, or the list was ended.
    pub async fn done(&self) -> Vec<WarmHealth> {
        // An error says that the task has gone.
        _ = self.is_over.clone().wait_for(|is_over| *is_over).await;
        self.progress()
    }
}

#[derive(Debug)]
struct Board(Mutex<Vec<WarmHealth>>);

impl Board {
    fn note(&self, at: usize, progress: Progress, is_over: bool) {
        let mut items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(item) = items.get_mut(at) {
            (item.progress, item.is_over) = (progress, is_over);
        }
    }
}

/// How far an item of the list has come.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct WarmHealth {
    /// Its name.
    pub name: String,
    /// How far it has come; nothing before it has begun.
    pub progress: Progress,
    /// Whether it is over.
    pub is_over: bool,
}

impl WarmHealth {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), progress: Progress::default(), is_over: false }
    }
}
