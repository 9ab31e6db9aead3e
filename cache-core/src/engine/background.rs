//! Loads that go on without their callers, within a bound.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use crate::policy::Settings;

/// The loads that may go on without their callers: one for each key, and no more than a limit.
pub(super) struct Background {
    board: Mutex<Board>,
    limit: usize,
    timeout: Duration,
    changed: Notify,
}

#[derive(Default)]
struct Board {
    /// The hashes of their keys.
    running: HashSet<u64>,
    phase: Phase,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Phase {
    #[default]
    Open,
    /// No more are admitted.
    Closed,
    /// Those without a caller end.
    Ended,
}

impl Background {
    pub(super) fn new(settings: &Settings) -> Self {
        let (limit, timeout) = (settings.background_limit, settings.background_timeout);
        Self { board: Mutex::default(), limit, timeout, changed: Notify::new() }
    }

    /// Returns the right to start a load of a key.
    pub(super) fn admit(self: &Arc<Self>, key: u64) -> Result<Permit, Refusal> {
        let mut board = self.board();
        if board.phase != Phase::Open || Handle::try_current().is_err() {
            return Err(Refusal::Closed);
        }
        if board.running.contains(&key) {
            return Err(Refusal::Running);
        }
        if board.running.len() >= self.limit {
            return Err(Refusal::Full);
        }
        board.running.insert(key);
        Ok(Permit { background: Arc::clone(self), key })
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.board().running.len()
    }

    /// Admits no more, waits until all have ended, for as long as `within`, and ends the rest;
    /// returns how many those were.
    ///
    /// # Cancellation
    ///
    /// Dropped half-way, more are admitted again.
    pub(super) async fn close(&self, within: Duration) -> usize {
        let closing = Closing::new(self);
        let is_empty = |board: &Board| board.running.is_empty();
        let is_over = timeout(within, self.until(is_empty)).await.is_ok();
        let left = if is_over { 0 } else { self.len() };
        self.end();
        drop(closing);
        // What they held is given back when they have ended; those with a caller may go on.
        _ = timeout(Self::LAST, self.until(is_empty)).await;
        left
    }

    /// How long those that are ended may take to end.
    const LAST: Duration = Duration::from_millis(100);

    /// Ends all that run without a caller.
    pub(super) fn end(&self) {
        self.board().phase = Phase::Ended;
        self.changed.notify_waiters();
    }

    async fn until(&self, is_so: impl Fn(&Board) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_so(&self.board()) {
                return;
            }
            changed.await;
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Background({})", self.len())
    }
}

/// Closes the board, and opens it again if it is dropped before the end.
struct Closing<'a>(&'a Background);

impl<'a> Closing<'a> {
    fn new(background: &'a Background) -> Self {
        let mut board = background.board();
        if board.phase == Phase::Open {
            board.phase = Phase::Closed;
        }
        drop(board);
        Self(background)
    }
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut board = self.0.board();
        if board.phase == Phase::Closed {
            board.phase = Phase::Open;
        }
    }
}

/// Why no load may be started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    Closed,
    Full,
    /// There is one for this key.
    Running,
}

/// The right to run one load, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    background: Arc<Background>,
    key: u64,
}

impl Permit {
    /// Starts a task. Once `alone` has come about, it has `background_timeout` left.
    pub(super) fn spawn<T: Send + 'static>(
        self,
        work: impl Future<Output = T> + Send + 'static,
        alone: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        let task = async move {
            let background = &self.background;
            let end = async {
                alone.await;
                let ended = background.until(|board| board.phase == Phase::Ended);
                select(pin!(sleep(background.timeout)), pin!(ended)).await;
            };
            match select(pin!(work), pin!(end)).await {
                Either::Left((done, _)) => Some(done),
                Either::Right(_) => None,
            }
        };
        tokio::spawn(task.in_current_span())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.background.board().running.remove(&self.key);
        self.background.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn background(limit: usize) -> Arc<Background> {
        let settings = Settings { background_limit: limit, ..Settings::default() };
        Arc::new(Background::new(&settings))
    }

    #[tokio::test(start_paused = true)]
    async fn one_load_for_each_key_and_no_more_than_the_limit() {
        let background = background(2);

        let first = background.admit(1).unwrap().spawn(pending::<()>(), ready(()));
        let second = background.admit(2).unwrap();

        assert_eq!(background.admit(1).unwrap_err(), Refusal::Running);
        assert_eq!(background.admit(3).unwrap_err(), Refusal::Full);
        drop(second);
        assert!(background.admit(3).is_ok());
        assert_eq!(first.await.unwrap(), None, "it ends by its time-out");
        assert_eq!(background.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn closing_waits_and_then_ends_what_is_left() {
        let background = background(9);
        let (work, left) = (sleep(Duration::from_secs(1)), pending::<()>());
        let short = background.admit(1).unwrap().spawn(work, ready(()));
        let long = background.admit(2).unwrap().spawn(left, ready(()));

        let left = background.close(Duration::from_secs(2)).await;

        assert_eq!(left, 1);
        assert_eq!((short.await.unwrap(), long.await.unwrap()), (Some(()), None));
        assert_eq!(background.admit(3).unwrap_err(), Refusal::Closed);
        assert_eq!((background.len(), background.close(Duration::ZERO).await), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_that_somebody_waits_for_is_not_ended() {
        let background = background(9);
        let work = sleep(Duration::from_secs(3600));
        let task = background.admit(1).unwrap().spawn(work, pending());

        assert_eq!(background.close(Duration::ZERO).await, 1);

        assert_eq!(task.await.unwrap(), Some(()));
    }
}
