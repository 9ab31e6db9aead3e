//! Keeps a connection, whatever happens to the server.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cache_core::backend::News;
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Backoff;
use crate::dial::{Dialer, Opened};
use crate::error::{closed, lost, no_runtime};
use crate::link::Link;
use crate::news::Hearing;
use crate::{Error, Result};

/// Keeps a connection: opens it at the first use, and another in the background when it is lost.
///
/// Works in one task, on the runtime of its first caller, that ends with this handle. If that
/// runtime goes away, the next caller starts another.
pub(crate) struct Supervisor {
    dialer: Arc<Dialer>,
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
enum State {
    /// For ever.
    Closed,
    /// Why there is no connection; the next attempt comes by itself.
    Down(Error),
    /// Nobody has asked yet.
    #[default]
    Idle,
    /// The very first attempt, for whose end callers wait.
    Opening,
    Up(Link),
}

impl Supervisor {
    /// How long `close` waits for the task, which may be on a runtime that nobody drives.
    const CLOSE: Duration = Duration::from_secs(1);

    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer: Arc::new(dialer), state: watch::Sender::default() }
    }

    pub(crate) fn dialer(&self) -> &Arc<Dialer> {
        &self.dialer
    }

    /// Returns the connection there is.
    ///
    /// # Errors
    ///
    /// Why there is none, at once; only the very first attempt is waited for.
    ///
    /// # Cancellation
    ///
    /// Does not stop the attempt that it waits for.
    pub(crate) async fn link(&self) -> Result<Link> {
        if let Some(link) = self.known() {
            return link;
        }
        self.start()?;
        let mut state = self.state.subscribe();
        // Cannot fail: the sender is ours.
        let _ = state.wait_for(|state| !matches!(state, State::Opening)).await;
        self.known().unwrap_or_else(|| Err(lost()))
    }

    /// Returns the connection if there is one; begins nothing.
    pub(crate) fn current(&self) -> Option<Link> {
        match &*self.state.borrow() {
            State::Up(link) => Some(link.clone()),
            _ => None,
        }
    }

    /// Ends the connection and the task.
    pub(crate) async fn close(&self) {
        self.state.send_replace(State::Closed);
        // The task holds a receiver as long as it lives.
        let _ = timeout(Self::CLOSE, self.state.closed()).await;
    }

    /// Returns the connection, or why there is none; `None` before the end of the first attempt.
    fn known(&self) -> Option<Result<Link>> {
        match &*self.state.borrow() {
            State::Closed => Some(Err(closed())),
            State::Down(error) => Some(Err(error.clone())),
            State::Idle | State::Opening => None,
            State::Up(link) => Some(Ok(link.clone())),
        }
    }

    /// Begins the very first attempt if nobody has.
    pub(crate) fn start(&self) -> Result<()> {
        let runtime = Handle::try_current().map_err(|_| no_runtime())?;
        let is_ours = self.state.send_if_modified(|state| {
            let is_idle = matches!(state, State::Idle);
            if is_idle {
                *state = State::Opening;
            }
            is_idle
        });
        if is_ours {
            let task = Task { dialer: self.dialer.clone(), state: self.state.clone() };
            runtime.spawn(task.run());
        }
        Ok(())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.state.send_replace(State::Closed);
    }
}

/// The one task, as long as it lives. Leaves the state idle when it ends in any other way than by
/// being closed, such as with its runtime.
struct Task {
    dialer: Arc<Dialer>,
    state: watch::Sender<State>,
}

impl Task {
    async fn run(self) {
        let mut state = self.state.subscribe();
        let closed = state.wait_for(|state| matches!(state, State::Closed)).map(drop);
        tokio::select! {
            () = closed => {}
            () = self.stay_connected() => {}
        }
    }

    async fn stay_connected(&self) {
        let longest = self.dialer.longest_pause();
        let mut backoff = Backoff::new(longest);
        loop {
            match self.dialer.dial().await {
                Err(error) => self.down(error),
                Ok(opened) => {
                    let opened_at = Instant::now();
                    self.serve(opened).await;
                    if opened_at.elapsed() > Backoff::LONGEST {
                        backoff = Backoff::new(longest);
                        continue; // it worked, so it may work again at once
                    }
                }
            }
            sleep(backoff.pause()).await;
        }
    }

    /// Lets callers use a connection until it is lost.
    async fn serve(&self, Opened { link, driver, elected }: Opened) {
        let feed = self.dialer.feed();
        // Before anybody reads from it: what was read from the last one may be old.
        if let Some(feed) = feed {
            feed.meet(link.name());
            feed.tell(match link.hearing() {
                Hearing::Everything => News::Listening,
                Hearing::Nothing => News::Alive,
                Hearing::Published => News::Partly,
            });
        }
        self.up(link.clone());
        let unwatched = async {
            match feed {
                Some(feed) => link.watch(feed).await,
                None => pending().await,
            }
        };
        let error = tokio::select! {
            () = driver => lost(),
            error = link.failed() => error,
            error = unwatched => error,
            error = self.dialer.replaced(elected.as_ref()) => error,
        };
        self.down(error);
    }

    fn up(&self, link: Link) {
        if self.change(State::Up(link)) {
            tracing::info!(
                name: "redis.connected",
                target: crate::TARGET,
                server = %self.dialer.endpoint,
                "connected",
            );
        }
    }

    /// Warns once for each reason, not for each attempt.
    fn down(&self, error: Error) {
        self.deafen();
        let text = error.to_string();
        let is_news = !matches!(&*self.state.borrow(), State::Down(old) if old.to_string() == text);
        if self.change(State::Down(error)) && is_news {
            tracing::warn!(
                name: "redis.not_connected",
                target: crate::TARGET,
                server = %self.dialer.endpoint,
                reason = text,
                "not connected",
            );
        }
    }

    fn deafen(&self) {
        if let Some(feed) = self.dialer.feed() {
            feed.tell(News::Deaf);
        }
    }

    /// Changes the state unless it is closed, and says whether it did.
    fn change(&self, new: State) -> bool {
        self.state.send_if_modified(|state| {
            let is_open = !matches!(state, State::Closed);
            if is_open {
                *state = new;
            }
            is_open
        })
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.deafen();
        self.change(State::Idle);
    }
}
