//! A line: how an instance reaches the server, with a connection that is kept.
//!
//! It behaves as `cache-redis` does: one connection, opened at the first use, replaced in the
//! background, given up when it is silent; operations fail at once while there is none.

mod backend;
mod feed;
mod keep;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cache_aside::{Error, ErrorKind, Result};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

pub(crate) use feed::Feed;

use crate::history::Who;
use crate::net::{ConnId, Net};
use crate::server::{Command, Reply};

/// How an instance reaches the server. `Clone` clones the handle.
#[derive(Clone)]
pub(crate) struct Line(Arc<Wire>);

struct Wire {
    who: Who,
    net: Arc<Net>,
    feed: OnceLock<Feed>,
    state: watch::Sender<State>,
    /// Calls given up without an answer since the last answer.
    unanswered: AtomicU64,
    suspect: Notify,
    keeper: Mutex<Option<AbortHandle>>,
    is_dead: AtomicBool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    Down,
    #[default]
    Idle,
    /// The very first attempt, for whose end callers wait.
    Opening,
    Up(ConnId),
}

impl Line {
    /// How many calls in a row without an answer make a connection suspect.
    const SUSPECT: u64 = 3;

    pub(crate) fn new(who: Who, net: Arc<Net>) -> Self {
        Self(Arc::new(Wire {
            who,
            net,
            feed: OnceLock::new(),
            state: watch::Sender::default(),
            unanswered: AtomicU64::new(0),
            suspect: Notify::new(),
            keeper: Mutex::default(),
            is_dead: AtomicBool::new(false),
        }))
    }

    /// Ends it with its instance: nothing more is sent.
    pub(crate) fn die(&self) {
        self.0.is_dead.store(true, Ordering::Relaxed);
        self.stop();
        self.0.net.forget(self.0.who);
    }

    fn stop(&self) {
        let keeper = self.0.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            keeper.abort();
        }
        self.0.state.send_replace(State::Down);
    }

    /// Sends commands over the connection there is, and waits for their answers.
    async fn ask(&self, commands: Vec<Command>) -> Result<Vec<Reply>> {
        if self.0.is_dead.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        let conn = self.conn().await?;
        let trial = Trial { wire: &self.0, is_answered: false };
        let replies = self.0.net.exchange(conn, commands).await.ok_or_else(lost)?;
        trial.answered();
        Ok(replies)
    }

    async fn ask_one(&self, command: Command) -> Result<Reply> {
        self.ask(vec![command]).await?.pop().ok_or_else(lost)
    }

    /// Returns the connection; only the very first attempt is waited for.
    async fn conn(&self) -> Result<ConnId> {
        self.start();
        let mut state = self.0.state.subscribe();
        // Cannot fail: the sender is ours.
        let _ = state.wait_for(|state| !matches!(state, State::Opening)).await;
        match *self.0.state.borrow() {
            State::Up(conn) => Ok(conn),
            _ => Err(lost()),
        }
    }

    fn start(&self) {
        if *self.0.state.borrow() != State::Idle {
            return;
        }
        self.0.state.send_replace(State::Opening);
        let task = tokio::spawn(keep::keep(self.clone()));
        let mut keeper = self.0.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        *keeper = Some(task.abort_handle());
    }

    async fn is_answering(&self, conn: ConnId, within: Duration) -> bool {
        let ping = self.0.net.exchange(conn, vec![Command::Ping]);
        matches!(timeout(within, ping).await, Ok(Some(_)))
    }
}

/// A call under way. Dropped before its answer, it was given up.
struct Trial<'a> {
    wire: &'a Wire,
    is_answered: bool,
}

impl Trial<'_> {
    fn answered(mut self) {
        self.is_answered = true;
        self.wire.unanswered.store(0, Ordering::Relaxed);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.is_answered
            && self.wire.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= Line::SUSPECT
        {
            self.wire.suspect.notify_one();
        }
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Backend, "there is no connection")
}

fn refused() -> Error {
    Error::new(ErrorKind::Backend, "the server refuses that")
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({})", self.0.who)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line of {}", self.0.who)
    }
}
