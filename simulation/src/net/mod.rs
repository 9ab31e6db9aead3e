//! The network, and the servers at its end: what is sent arrives later, in order or not at all.

mod admin;
mod conn;
mod pump;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cache_aside::wire::Stamp;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::catalogue::Names;
use crate::dice::Dice;
use crate::history::{Weather, Who};
use crate::judge::{Judge, Known};
use crate::line::Feed;
use crate::rules::REMOTE_TIMEOUT;
use crate::server::{Command, Reply, Server, Turn};
use conn::Conn;
pub(crate) use conn::Message;

/// A connection, by its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ConnId(usize);

/// The network and the servers.
#[derive(Debug)]
pub(crate) struct Net {
    judge: Arc<Judge>,
    names: Names,
    start: Instant,
    seed: u64,
    weather: Weather,
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug)]
struct Inner {
    conns: Vec<Conn>,
    cables: Vec<Cable>,
    servers: [Server; 2],
    /// Which server is behind the address.
    active: usize,
    turn: Turn,
    /// Whether nothing goes wrong any more.
    is_healed: bool,
    /// How many choices were made.
    choices: u64,
    /// What another program copied. Back in its place it would be what had ended there.
    copied: Vec<Stamp>,
}

/// What leads to one instance.
#[derive(Clone, Debug, Default)]
struct Cable {
    from_blocked: bool,
    to_blocked: bool,
    slower: u64,
    messages: u64,
}

impl Net {
    pub(crate) fn new(seed: u64, weather: Weather, instances: usize, judge: Arc<Judge>) -> Self {
        let inner = Inner {
            conns: Vec::new(),
            cables: vec![Cable::default(); instances],
            servers: [Server::new(0), Server::new(1)],
            active: 0,
            turn: Turn::default(),
            is_healed: false,
            choices: 0,
            copied: Vec::new(),
        };
        Self {
            judge,
            names: Names::new(),
            start: Instant::now(),
            seed,
            weather,
            inner: Mutex::new(inner),
            wake: Notify::new(),
        }
    }

    /// Returns how many milliseconds have passed.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn judge(&self) -> &Arc<Judge> {
        &self.judge
    }

    /// Whether servers tell what changes.
    pub(crate) fn tells(&self) -> bool {
        self.weather.tells
    }

    /// Whether instances fail to listen.
    pub(crate) fn is_mute(&self) -> bool {
        self.weather.is_mute
    }

    /// Opens a connection; `None` if nobody answers at the address.
    pub(crate) fn open(&self, who: Who, feed: Feed) -> Option<(ConnId, oneshot::Receiver<()>)> {
        let mut inner = self.inner();
        let (conn, closed) = Conn::new(who, inner.active, feed);
        let is_refused = inner.server().mood == crate::server::Mood::Down;
        if is_refused && !inner.cables[who.0].is_blocked() {
            return None;
        }
        inner.conns.push(conn);
        Some((ConnId(inner.conns.len() - 1), closed))
    }

    /// Sends commands in one go and waits for all answers; `None` if the connection is lost.
    ///
    /// # Cancellation
    ///
    /// What was sent is performed.
    pub(crate) async fn exchange(
        &self,
        conn: ConnId,
        commands: Vec<Command>,
    ) -> Option<Vec<Reply>> {
        let answer = {
            let now = self.now();
            let mut inner = self.inner();
            let (who, is_open) = (inner.conns[conn.0].who, inner.conns[conn.0].is_open);
            if !is_open {
                return None;
            }
            let due = now + self.delay(&mut inner, who);
            let jitter = Dice::of(self.seed, 7, due).happens(30);
            inner.conns[conn.0].send(due, u64::from(jitter), commands)
        };
        self.wake.notify_one();
        answer.await.ok()
    }

    /// Ends a connection at its client's side: what was sent may still be performed.
    pub(crate) fn close(&self, conn: ConnId) {
        self.inner().conns[conn.0].hang_up();
    }

    /// Returns what had ended when the connection began to be told of changes.
    pub(crate) fn known(&self, conn: ConnId) -> Option<Known> {
        self.inner().conns[conn.0].known
    }

    /// How long the next message to or from an instance takes.
    fn delay(&self, inner: &mut Inner, who: Who) -> u64 {
        let spikes = if inner.is_healed { 0 } else { self.weather.spikes };
        let cable = &mut inner.cables[who.0];
        cable.messages += 1;
        let mut dice = Dice::of(self.seed, who.0 as u64 + 100, cable.messages);
        let usual = dice.below(self.weather.latency + 1) + cable.slower;
        match dice.happens(spikes) {
            true => usual + dice.within(REMOTE_TIMEOUT / 2..=3 * REMOTE_TIMEOUT),
            false => usual,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn server(&mut self) -> &mut Server {
        &mut self.servers[self.active]
    }

    /// Returns a number below `limit`, another one each time.
    fn choose(&mut self, seed: u64, limit: usize) -> usize {
        self.choices += 1;
        Dice::of(seed, 5, self.choices).place(limit)
    }
}

impl Cable {
    fn is_blocked(&self) -> bool {
        self.from_blocked || self.to_blocked
    }
}

/// Bytes that mean nothing, others each time.
fn garbage(number: u64) -> Bytes {
    Bytes::from(format!("garbage {number} and more"))
}

/// What is to be done once the lock is released.
#[derive(Debug)]
enum Delivery {
    Answer(oneshot::Sender<Vec<Reply>>, Vec<Reply>),
    Gone(Option<oneshot::Sender<()>>),
    Told(Feed, Message),
}
