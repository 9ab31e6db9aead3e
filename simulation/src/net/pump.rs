//! What moves the messages.

use std::pin::pin;

use futures_util::future::select;
use tokio::task::yield_now;
use tokio::time::{Duration, sleep_until};

use super::conn::{Arrival, Message};
use super::{Delivery, Inner, Net};
use crate::catalogue::Cover;
use crate::server::{Command, Mood, Name, Reply, Turn};

/// Where the next message is.
#[derive(Clone, Copy, Debug)]
enum Pipe {
    Down(usize),
    Up(usize),
}

impl Net {
    /// Moves messages for ever.
    pub(crate) async fn pump(&self) {
        loop {
            let woken = self.wake.notified();
            let due = self.inner().next_due();
            match due {
                None => woken.await,
                Some(due) if due > self.now() => {
                    let due = self.start + Duration::from_millis(due);
                    select(pin!(sleep_until(due)), pin!(woken)).await;
                }
                Some(_) => {
                    self.move_all();
                    yield_now().await;
                }
            }
        }
    }

    /// Moves all that is due, and what follows from that at once.
    fn move_all(&self) {
        loop {
            let now = self.now();
            let mut inner = self.inner();
            let due = inner.due(now);
            if due.is_empty() {
                if inner.turn.is_empty() {
                    return;
                }
                self.end_turn(&mut inner);
                continue;
            }
            let place = inner.choose(self.seed, due.len());
            let delivery = match due[place] {
                Pipe::Down(conn) => inner.take_down(conn),
                Pipe::Up(conn) => {
                    self.take_up(&mut inner, conn, now);
                    None
                }
            };
            drop(inner);
            if let Some(delivery) = delivery {
                deliver(delivery);
            }
        }
    }

    fn take_up(&self, inner: &mut Inner, conn: usize, now: u64) {
        let Some(arrival) = inner.conns[conn].up.pop() else { return };
        let server = inner.conns[conn].server;
        if inner.servers[server].mood == Mood::Down || server != inner.active {
            inner.conns[conn].refuse(now);
        }
        if !inner.conns[conn].is_served {
            return;
        }
        let who = inner.conns[conn].who;
        let reply = self.perform(inner, conn, &arrival, now);
        self.judge.trace.note(|| format!("{now} {who} {conn}: {:?} -> {reply:?}", arrival.command));
        if let Some(answer) = inner.conns[conn].answered(&arrival, reply) {
            let due = now + self.delay(inner, who);
            inner.conns[conn].down.push(due, answer);
        }
        // A turn takes what has arrived by then, or less.
        if inner.choose(self.seed, 2) == 0 {
            self.end_turn(inner);
        }
    }

    fn perform(&self, inner: &mut Inner, conn: usize, arrival: &Arrival, now: u64) -> Reply {
        let server = inner.conns[conn].server;
        let Inner { servers, turn, conns, .. } = inner;
        if matches!(arrival.command, Command::Ping) {
            servers[server].sweep(now, turn);
        }
        let reply = servers[server].perform(now, Some(conn), &arrival.command, turn);
        self.note_ended(server, turn);
        match &arrival.command {
            Command::Set(name, ..) => {
                if let Some(Cover::Item(item)) = self.names.cover(name) {
                    self.judge.seized(server, item);
                }
            }
            Command::TakeOver(_) if matches!(reply, Reply::Done(true)) => self.judge.took_over(),
            Command::Track => conns[conn].known = Some(self.judge.ended(server)),
            _ => {}
        }
        reply
    }

    pub(super) fn note_ended(&self, server: usize, turn: &mut Turn) {
        for name in turn.take_ended() {
            if let Some(cover) = self.names.cover(&name) {
                self.judge.end(server, cover);
            }
        }
        if turn.is_flushed() {
            self.judge.end(server, Cover::All);
        }
    }

    /// Tells whoever listens what changed, but nobody of what he did last himself.
    pub(super) fn end_turn(&self, inner: &mut Inner) {
        let turn = std::mem::take(&mut inner.turn);
        if turn.is_empty() {
            return;
        }
        let now = self.now();
        let known = self.judge.ended(inner.active);
        for conn in 0..inner.conns.len() {
            let it = &inner.conns[conn];
            let is_told = it.is_served && it.known.is_some() && it.server == inner.active;
            if !is_told {
                continue;
            }
            let who = it.who;
            let names = turn.changes().filter(|(_, change)| change.author != Some(conn));
            let names: Vec<(Name, bool)> =
                names.map(|(name, it)| (name.clone(), it.ends)).collect();
            let due = now + self.delay(inner, who);
            let down = &mut inner.conns[conn].down;
            if turn.is_flushed() {
                down.push(due, Message::Flushed(known));
            }
            if !names.is_empty() {
                down.push(due, Message::Changed(names, known));
            }
        }
    }
}

impl Inner {
    /// Returns when the next message arrives.
    fn next_due(&self) -> Option<u64> {
        let due = |pipe| match pipe {
            Pipe::Down(conn) => self.conns[conn].down.due(),
            Pipe::Up(conn) => self.conns[conn].up.due(),
        };
        self.pipes().filter_map(due).min()
    }

    fn due(&self, now: u64) -> Vec<Pipe> {
        let is_due = |pipe: &Pipe| {
            let due = match *pipe {
                Pipe::Down(conn) => self.conns[conn].down.due(),
                Pipe::Up(conn) => self.conns[conn].up.due(),
            };
            due.is_some_and(|due| due <= now)
        };
        self.pipes().filter(is_due).collect()
    }

    /// Returns the pipes in which messages move at present.
    fn pipes(&self) -> impl Iterator<Item = Pipe> {
        self.conns.iter().enumerate().flat_map(|(place, conn)| {
            let cable = &self.cables[conn.who.0];
            let hangs = self.servers[conn.server].mood == Mood::Hung;
            let up = (!cable.from_blocked && !hangs).then_some(Pipe::Up(place));
            let down = (!cable.to_blocked).then_some(Pipe::Down(place));
            up.into_iter().chain(down)
        })
    }

    fn take_down(&mut self, conn: usize) -> Option<Delivery> {
        let conn = &mut self.conns[conn];
        let message = conn.down.pop()?;
        if !conn.is_open {
            return None;
        }
        match message {
            Message::Answer(request, replies) => {
                conn.waiter(request).map(|waiter| Delivery::Answer(waiter, replies))
            }
            Message::Gone => Some(Delivery::Gone(conn.hang_up())),
            message => Some(Delivery::Told(conn.feed.clone(), message)),
        }
    }
}

fn deliver(delivery: Delivery) {
    match delivery {
        // Whoever has given up waiting needs no answer.
        Delivery::Answer(waiter, replies) => drop(waiter.send(replies)),
        Delivery::Gone(closed) => drop(closed.map(|closed| closed.send(()))),
        Delivery::Told(feed, message) => feed.pushed(&message),
    }
}
