//! What keeps a connection, whatever happens to the server.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cache_aside::backend::News;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::{Line, State};
use crate::net::ConnId;
use crate::rules::MAX_SILENCE;
use crate::server::{Command, Reply};

/// How long an attempt to connect takes at most.
const CONNECT: Duration = Duration::from_millis(200);
/// How long a suspect server gets for a `PING`.
const PROBE: Duration = Duration::from_millis(80);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);
const HALF_SILENCE: Duration = Duration::from_millis(MAX_SILENCE / 2);

/// Connects, again and again.
pub(super) async fn keep(line: Line) {
    let mut name = None;
    let mut pause = FIRST_PAUSE;
    loop {
        if let Ok(Some(dialled)) = timeout(CONNECT, dial(&line)).await {
            greet(&line, &dialled, &mut name);
            line.0.state.send_replace(State::Up(dialled.conn));
            serve(&line, dialled).await;
            pause = FIRST_PAUSE;
        }
        if let Some(feed) = line.0.feed.get() {
            feed.tell(News::Deaf);
        }
        line.0.state.send_replace(State::Down);
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A connection, and what the server said of itself.
struct Dialled {
    conn: ConnId,
    closed: oneshot::Receiver<()>,
    name: String,
}

async fn dial(line: &Line) -> Option<Dialled> {
    let (net, feed) = (&line.0.net, line.0.feed.get()?);
    let (conn, closed) = net.open(line.0.who, feed.clone())?;
    let mut attempt = Attempt { line, conn, has_failed: true };
    let mut greeting = vec![Command::WhoAreYou];
    if net.tells() {
        greeting.push(Command::Track);
    }
    let replies = net.exchange(conn, greeting).await?;
    match replies.first() {
        Some(Reply::Bytes(name)) if !replies.iter().any(|it| matches!(it, Reply::Refused)) => {
            let name = String::from_utf8_lossy(name).into_owned();
            attempt.has_failed = false;
            Some(Dialled { conn, closed, name })
        }
        _ => None,
    }
}

/// Hangs up if nothing comes of it.
struct Attempt<'a> {
    line: &'a Line,
    conn: ConnId,
    has_failed: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.has_failed {
            self.line.0.net.close(self.conn);
        }
    }
}

/// Tells who the server is and what it will tell, before anybody reads from it.
fn greet(line: &Line, dialled: &Dialled, name: &mut Option<String>) {
    let Some(feed) = line.0.feed.get() else { return };
    if name.as_ref().is_some_and(|name| *name != dialled.name) {
        feed.tell(News::Stranger);
    }
    *name = Some(dialled.name.clone());
    match line.0.net.known(dialled.conn) {
        Some(known) => feed.listening(&known),
        None => feed.tell(News::Alive),
    }
}

/// Lets callers use a connection until it is lost.
async fn serve(line: &Line, dialled: Dialled) {
    let conn = dialled.conn;
    let closed = dialled.closed.map(drop);
    let (watched, suspected) = (watch(line, conn), suspect(line, conn));
    let ends: Vec<BoxFuture<'_, ()>> = vec![closed.boxed(), watched.boxed(), suspected.boxed()];
    select_all(ends).await;
    line.0.net.close(conn);
}

/// Ends when the server is silent.
async fn watch(line: &Line, conn: ConnId) {
    loop {
        sleep(HALF_SILENCE).await;
        if !line.is_answering(conn, HALF_SILENCE).await {
            return;
        }
        if let Some(feed) = line.0.feed.get() {
            feed.tell(News::Alive);
        }
    }
}

/// Ends when calls had no answer and a probe has none.
async fn suspect(line: &Line, conn: ConnId) {
    loop {
        line.0.suspect.notified().await;
        if !line.is_answering(conn, PROBE).await {
            return;
        }
        line.0.unanswered.store(0, Ordering::Relaxed);
    }
}
