//! The truth: articles in memory, behind a few connections and queries that take their time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::day::{ANNOUNCEMENTS, ARTICLES, Weather, weather};

/// How many queries run at once. The rest wait for their turn.
pub(crate) const CONNECTIONS: usize = 24;

/// How long a query takes to callers, and how long while the database is slow, or away.
pub(crate) const QUERY: Duration = Duration::from_millis(5);
pub(crate) const SLOW_QUERY: Duration = Duration::from_millis(25);
const FAILING_QUERY: Duration = Duration::from_millis(20);

/// An article, as readers see it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Article {
    pub(crate) title: String,
    pub(crate) text: String,
    /// How often it was edited: tells an old answer from a new one.
    pub(crate) edits: usize,
}

/// The database. `Clone` clones the handle.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connections: Semaphore,
    /// By article, how often it was edited.
    edits: Vec<AtomicUsize>,
    midnight: Instant,
    reads: AtomicUsize,
    /// Reads that run or wait for a connection.
    waiting: AtomicUsize,
    most_waiting: AtomicUsize,
}

impl Database {
    /// Starts a day.
    pub(crate) fn start() -> Self {
        let articles = ARTICLES + ANNOUNCEMENTS.len();
        let edits = (0..articles).map(|_| AtomicUsize::new(0)).collect();
        let [reads, waiting, most_waiting] = [0; 3].map(AtomicUsize::new);
        let (connections, midnight) = (Semaphore::new(CONNECTIONS), Instant::now());
        let inner = Inner { connections, edits, midnight, reads, waiting, most_waiting };
        Self { inner: Arc::new(inner) }
    }

    /// Returns when the day began.
    pub(crate) fn midnight(&self) -> Instant {
        self.inner.midnight
    }

    /// Reads the row first and answers later: the answer may be old when it comes.
    pub(crate) async fn article(&self, id: usize) -> Result<Article> {
        let inner = &self.inner;
        inner.reads.fetch_add(1, Ordering::Relaxed);
        let waiting = inner.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        inner.most_waiting.fetch_max(waiting, Ordering::Relaxed);
        let article = self.select(id).await;
        inner.waiting.fetch_sub(1, Ordering::Relaxed);
        article
    }

    /// Changes an article and returns how often it was edited.
    pub(crate) async fn edit(&self, id: usize) -> Result<usize> {
        let _connection = self.inner.connections.acquire().await?;
        sleep(QUERY).await;
        Ok(self.inner.edits[id].fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Returns how often it was read, and how many reads were under way at once at most.
    pub(crate) fn reads(&self) -> (usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (read(&self.inner.reads), read(&self.inner.most_waiting))
    }

    async fn select(&self, id: usize) -> Result<Article> {
        let _connection = self.inner.connections.acquire().await?;
        let edits = self.inner.edits[id].load(Ordering::SeqCst);
        match weather(self.inner.midnight.elapsed()) {
            Weather::Away => {
                sleep(FAILING_QUERY).await;
                bail!("the database is away");
            }
            Weather::Slow => sleep(SLOW_QUERY).await,
            Weather::Well => sleep(QUERY).await,
        }
        let text = "It was a dark and stormy night. ".repeat(30);
        Ok(Article { title: format!("Article {id}"), text, edits })
    }
}
