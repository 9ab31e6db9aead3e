//! One connection: two pipes, in which messages keep their order.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::oneshot;

use crate::history::Who;
use crate::judge::Known;
use crate::line::Feed;
use crate::server::{Command, Name, Reply};

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) who: Who,
    /// Which server it leads to.
    pub(super) server: usize,
    pub(super) feed: Feed,
    pub(super) up: Pipe<Arrival>,
    pub(super) down: Pipe<Message>,
    /// Whether its client still uses it.
    pub(super) is_open: bool,
    /// Whether its server still does.
    pub(super) is_served: bool,
    /// What had ended when tracking began; `None` before that.
    pub(super) known: Option<Known>,
    closed: Option<oneshot::Sender<()>>,
    requests: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Vec<Reply>>>,
    done: BTreeMap<u64, Vec<Reply>>,
}

/// A command on its way.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) request: u64,
    pub(super) command: Command,
    /// Whether it is the last of its request.
    pub(super) is_last: bool,
}

/// What a server sends.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Answer(u64, Vec<Reply>),
    /// What changed, whether what was there before has ended, and since when.
    Changed(Vec<(Name, bool)>, Known),
    Flushed(Known),
    /// The connection's end.
    Gone,
}

/// Messages in one direction.
#[derive(Debug)]
pub(super) struct Pipe<T> {
    items: VecDeque<(u64, T)>,
    last: u64,
}

impl<T> Pipe<T> {
    fn new() -> Self {
        Self { items: VecDeque::new(), last: 0 }
    }

    /// Adds a message that arrives at `due`, or behind what was sent before.
    pub(super) fn push(&mut self, due: u64, item: T) {
        self.last = self.last.max(due);
        self.items.push_back((self.last, item));
    }

    pub(super) fn due(&self) -> Option<u64> {
        self.items.front().map(|(due, _)| *due)
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        self.items.pop_front().map(|(_, item)| item)
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
    }
}

impl Conn {
    pub(super) fn new(who: Who, server: usize, feed: Feed) -> (Self, oneshot::Receiver<()>) {
        let (closed, wait) = oneshot::channel();
        let conn = Self {
            who,
            server,
            feed,
            up: Pipe::new(),
            down: Pipe::new(),
            is_open: true,
            is_served: true,
            known: None,
            closed: Some(closed),
            requests: 0,
            waiting: BTreeMap::new(),
            done: BTreeMap::new(),
        };
        (conn, wait)
    }

    /// Sends commands, each `jitter` behind the last one.
    pub(super) fn send(
        &mut self,
        due: u64,
        jitter: u64,
        commands: Vec<Command>,
    ) -> oneshot::Receiver<Vec<Reply>> {
        let (sender, answer) = oneshot::channel();
        self.requests += 1;
        let request = self.requests;
        self.waiting.insert(request, sender);
        let count = commands.len();
        for (index, command) in commands.into_iter().enumerate() {
            let is_last = index + 1 == count;
            self.up.push(due + jitter * index as u64, Arrival { request, command, is_last });
        }
        answer
    }

    /// Notes an answer; returns all of its request, if it was the last.
    pub(super) fn answered(&mut self, arrival: &Arrival, reply: Reply) -> Option<Message> {
        let mut replies = self.done.remove(&arrival.request).unwrap_or_default();
        replies.push(reply);
        if arrival.is_last {
            return Some(Message::Answer(arrival.request, replies));
        }
        self.done.insert(arrival.request, replies);
        None
    }

    pub(super) fn waiter(&mut self, request: u64) -> Option<oneshot::Sender<Vec<Reply>>> {
        self.waiting.remove(&request)
    }

    /// Ends it at the server's side.
    pub(super) fn refuse(&mut self, now: u64) {
        if self.is_served {
            self.is_served = false;
            self.up.clear();
            self.down.push(now, Message::Gone);
        }
    }

    /// Ends it at the client's side.
    pub(super) fn hang_up(&mut self) -> Option<oneshot::Sender<()>> {
        self.is_open = false;
        self.waiting.clear();
        self.down.clear();
        self.closed.take()
    }
}
