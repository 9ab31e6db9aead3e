//! A server as Redis is one: names, bytes, lives, and who is to be told of changes.

mod command;
mod past;
mod turn;

use std::collections::BTreeMap;

use bytes::Bytes;
use cache_aside::wire::{Mark, Stamp};

pub(crate) use command::{Command, Name, Reply, TakeOver};
use past::Past;
pub(crate) use turn::{Change, Turn};

/// A server.
#[derive(Debug)]
pub(crate) struct Server {
    place: usize,
    /// How often it was started.
    runs: u64,
    pub(crate) mood: Mood,
    data: BTreeMap<Name, Stored>,
    past: Past,
}

/// How a server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mood {
    Down,
    Hung,
    Refusing,
    Up,
}

/// Who asks: the place of the connection.
pub(crate) type Author = Option<usize>;

#[derive(Clone, Debug)]
struct Stored {
    value: Value,
    expires: u64,
}

#[derive(Clone, Debug)]
enum Value {
    Bytes(Bytes),
    List,
}

impl Server {
    pub(crate) fn new(place: usize) -> Self {
        let (data, past) = (BTreeMap::new(), Past::default());
        Self { place, runs: 1, mood: Mood::Up, data, past }
    }

    /// Returns what it calls itself: another name after each start.
    pub(crate) fn run_id(&self) -> String {
        format!("server {} run {}", self.place, self.runs)
    }

    /// Starts again with what it had at a moment, or with nothing.
    pub(crate) fn restart(&mut self, had: Option<u64>) {
        match had {
            Some(at) => self.past.restore(at, &mut self.data),
            None => self.data.clear(),
        }
        self.past = Past::default();
        self.runs += 1;
    }

    /// Does what it is told; `turn` notes what changed.
    pub(crate) fn perform(
        &mut self,
        now: u64,
        author: Author,
        command: &Command,
        turn: &mut Turn,
    ) -> Reply {
        if self.mood == Mood::Refusing {
            return Reply::Refused;
        }
        match command {
            Command::Delete(names) => {
                for name in names {
                    // Nobody is told of the removal of what is not there.
                    let there = self.take(now, name);
                    turn.changed(name, there.then_some(Change { author, ends: true }));
                    turn.ended(name);
                }
                Reply::Okay
            }
            Command::Fill(name, stamp, bytes, px) => {
                let is_there = self.begins_with(now, name, stamp, turn);
                if is_there {
                    self.put(now, name, Value::Bytes(bytes.clone()), *px);
                    // Scripts are told of to their own authors too.
                    turn.changed(name, Some(Change { author: None, ends: false }));
                }
                Reply::Done(is_there)
            }
            Command::Get(name) => self.read(now, name, turn),
            Command::GetMany(names) => {
                let bytes = |reply| match reply {
                    Reply::Bytes(bytes) => Some(bytes),
                    _ => None,
                };
                Reply::Many(names.iter().map(|name| bytes(self.read(now, name, turn))).collect())
            }
            Command::Mend(name, bytes, px) => {
                self.put(now, name, Value::Bytes(bytes.clone()), *px);
                turn.changed(name, Some(Change { author, ends: false }));
                Reply::Okay
            }
            Command::Ping | Command::Track => Reply::Okay,
            Command::Release(name, stamp) => {
                let is_there = self.begins_with(now, name, stamp, turn);
                if is_there {
                    self.take(now, name);
                    turn.changed(name, Some(Change { author: None, ends: false }));
                }
                Reply::Done(is_there)
            }
            Command::Set(name, bytes, px) => {
                self.put(now, name, Value::Bytes(bytes.clone()), *px);
                turn.changed(name, Some(Change { author, ends: true }));
                turn.ended(name);
                Reply::Okay
            }
            Command::SetNew(name, bytes, px) => {
                let there = self.read(now, name, turn);
                if matches!(there, Reply::Nil) {
                    self.put(now, name, Value::Bytes(bytes.clone()), *px);
                    turn.changed(name, Some(Change { author, ends: false }));
                }
                there
            }
            Command::TakeOver(step) => self.take_over(now, step, turn),
            Command::WhoAreYou => Reply::Bytes(Bytes::from(self.run_id())),
        }
    }

    fn take_over(&mut self, now: u64, step: &TakeOver, turn: &mut Turn) -> Reply {
        let stored = match self.read(now, &step.record, turn) {
            Reply::Bytes(bytes) => bytes,
            _ => Bytes::new(),
        };
        let is_as_before = stored == step.compared;
        if is_as_before {
            self.put(now, &step.group, Value::Bytes(step.number.clone()), step.px);
            self.put(now, &step.record, Value::Bytes(step.next.clone()), step.px);
            turn.changed(&step.group, Some(Change { author: None, ends: true }));
            turn.ended(&step.group);
        }
        Reply::Done(is_as_before)
    }

    /// Ends what has outlived its time, as the server comes across it by itself.
    pub(crate) fn sweep(&mut self, now: u64, turn: &mut Turn) {
        let is_over =
            |(name, stored): (&Name, &Stored)| (stored.expires <= now).then(|| name.clone());
        let over: Vec<Name> = self.data.iter().filter_map(is_over).collect();
        over.iter().for_each(|name| self.expire(now, name, turn));
    }

    /// Does what another program asks for.
    pub(crate) fn overwrite(
        &mut self,
        now: u64,
        name: &Name,
        bytes: Option<Bytes>,
        turn: &mut Turn,
    ) {
        const HOUR: u64 = 3_600_000;
        self.put(now, name, bytes.map_or(Value::List, Value::Bytes), HOUR);
        turn.lost(name);
    }

    pub(crate) fn remove(&mut self, now: u64, name: &Name, turn: &mut Turn) {
        if self.take(now, name) {
            turn.lost(name);
        }
    }

    pub(crate) fn flush(&mut self, now: u64, turn: &mut Turn) {
        let names: Vec<Name> = self.data.keys().cloned().collect();
        names.iter().for_each(|name| {
            self.take(now, name);
        });
        turn.flushed();
    }

    /// Returns the entry that is stored, if it is one.
    pub(crate) fn entry(&self, now: u64, name: &[u8]) -> Option<Bytes> {
        match self.data.get(name).filter(|stored| stored.expires > now)? {
            Stored { value: Value::Bytes(bytes), .. } => {
                (Mark::of(bytes) == Mark::Entry).then(|| bytes.clone())
            }
            Stored { value: Value::List, .. } => None,
        }
    }

    fn read(&mut self, now: u64, name: &Name, turn: &mut Turn) -> Reply {
        self.expire(now, name, turn);
        match self.data.get(name) {
            None => Reply::Nil,
            Some(Stored { value: Value::Bytes(bytes), .. }) => Reply::Bytes(bytes.clone()),
            Some(Stored { value: Value::List, .. }) => Reply::WrongType,
        }
    }

    fn begins_with(&mut self, now: u64, name: &Name, stamp: &Stamp, turn: &mut Turn) -> bool {
        match self.read(now, name, turn) {
            Reply::Bytes(bytes) => {
                let len = bytes.len().min(Stamp::LEN);
                &bytes[..len] == stamp.as_bytes()
            }
            _ => false,
        }
    }

    fn expire(&mut self, now: u64, name: &Name, turn: &mut Turn) {
        if self.data.get(name).is_some_and(|stored| stored.expires <= now) {
            self.past.note(now, name, self.data.remove(name));
            turn.lost(name);
        }
    }

    /// Removes; whether something was there.
    fn take(&mut self, now: u64, name: &Name) -> bool {
        let Some(stored) = self.data.remove(name) else { return false };
        let lived = stored.expires > now;
        self.past.note(now, name, Some(stored));
        lived
    }

    fn put(&mut self, now: u64, name: &Name, value: Value, px: u64) {
        let stored = Stored { value, expires: now.saturating_add(px) };
        let before = self.data.insert(name.clone(), stored);
        self.past.note(now, name, before);
    }
}
