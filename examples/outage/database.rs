//! The truth: rows in memory, behind a query that takes its time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::clock::{Clock, Timed};

/// How many users there are.
pub(crate) const USERS: usize = 2_000;

/// How long a query takes to callers.
pub(crate) const QUERY: Duration = Duration::from_millis(5);

/// A user, as others see them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) about: String,
    /// How often it was edited: tells an old answer from a new one.
    pub(crate) edits: u64,
}

/// The database. `Clone` clones the handle.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// By user, how often the profile was edited.
    edits: Vec<AtomicU64>,
    loads: Mutex<Vec<Timed>>,
    clock: Clock,
    query: Duration,
}

impl Database {
    /// Creates the rows; `query` is how long it takes to ask for one.
    pub(crate) fn new(query: Duration, clock: Clock) -> Self {
        let edits = (0..USERS).map(|_| AtomicU64::new(0)).collect();
        Self { inner: Arc::new(Inner { edits, loads: Mutex::default(), clock, query }) }
    }

    /// Reads the row first and answers later: the answer may be old when it comes.
    pub(crate) async fn profile(&self, user: usize) -> Result<Profile> {
        let at = self.inner.clock.now();
        let edits = self.inner.edits[user].load(Ordering::SeqCst);
        self.wait().await;
        let load = Timed::since(at, self.inner.clock);
        self.inner.loads.lock().unwrap_or_else(PoisonError::into_inner).push(load);
        Ok(Profile { name: format!("User {user}"), about: "Likes long walks. ".repeat(20), edits })
    }

    /// Changes a profile and returns how often it was edited.
    pub(crate) async fn edit(&self, user: usize) -> Result<u64> {
        self.wait().await;
        Ok(self.inner.edits[user].fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Takes the loads so far, and what each really took.
    pub(crate) fn take_loads(&self) -> Vec<Timed> {
        std::mem::take(&mut self.inner.loads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn wait(&self) {
        if !self.inner.query.is_zero() {
            sleep(self.inner.query).await;
        }
    }
}
