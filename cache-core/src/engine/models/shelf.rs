//! A remote level for models: every operation is one step, and news come in order.

use std::collections::HashMap;
use std::fmt;
use std::sync::{OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use loom::sync::Mutex;

use crate::Result;
use crate::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, News, SetMode, SetOptions, SetOutcome, Slot,
};
use crate::group::{Generation, Group};
use crate::key::Key;
use crate::wire::{Mark, Stamp};

/// A store that tells of what others change, before it answers what was asked after that.
pub(super) struct Shelf {
    state: Mutex<State>,
    /// How many news were heard. Held while one is: they come one after the other.
    heard: Mutex<usize>,
    listener: OnceLock<Weak<dyn Listener>>,
    /// What a fill comes to.
    outcome: SetOutcome,
}

#[derive(Default)]
struct State {
    entries: HashMap<Box<[u8]>, Bytes>,
    generations: HashMap<Box<[u8]>, Generation>,
    /// The keys that news were of.
    news: Vec<Box<[u8]>>,
}

impl Shelf {
    /// Creates a store whose fills have this outcome, unless they are refused.
    pub(super) fn new(outcome: SetOutcome) -> Self {
        let (state, heard) = (Mutex::default(), Mutex::default());
        Self { state, heard, listener: OnceLock::new(), outcome }
    }

    /// Whether nothing is stored under `key`.
    pub(super) fn is_empty_at(&self, key: &Key) -> bool {
        !self.state.lock().unwrap().entries.contains_key(key.as_bytes())
    }

    /// Removes what is under `key`, as another instance does.
    pub(super) fn remove_by_other(&self, key: &Key) {
        let mut state = self.state.lock().unwrap();
        state.entries.remove(key.as_bytes());
        state.news.push(key.as_bytes().into());
    }

    /// Has everything heard that there is to be told of by now.
    pub(super) fn tell(&self) {
        self.step(|_| {});
    }

    /// Performs a step; what others did before it is heard before the answer.
    fn step<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        let (told, answer) = {
            let mut state = self.state.lock().unwrap();
            (state.news.len(), step(&mut state))
        };
        let mut heard = self.heard.lock().unwrap();
        while *heard < told {
            let key = self.state.lock().unwrap().news[*heard].clone();
            self.hear(News::Changed(&key));
            *heard += 1;
        }
        answer
    }

    fn hear(&self, news: News<'_>) {
        if let Some(listener) = self.listener.get().and_then(Weak::upgrade) {
            listener.hear(news);
        }
    }
}

#[async_trait]
impl Backend for Shelf {
    /// As nobody drives a runtime, nobody could greet a store that others use too.
    fn capabilities(&self) -> Capabilities {
        Capabilities::local()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        let slot = |state: &mut State, key: &Key| {
            if let Some(found) = state.entries.get(key.as_bytes()) {
                let is_lease = Mark::of(found) == Mark::Lease;
                return if is_lease { Slot::Busy } else { Slot::Entry(found.clone()) };
            }
            let Some(lease) = lease else { return Slot::Missing };
            let placed = Bytes::copy_from_slice(lease.stamp.as_bytes());
            state.entries.insert(key.as_bytes().into(), placed);
            Slot::Leased
        };
        self.step(|state| keys.iter().map(|key| Ok(slot(state, key))).collect())
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        Ok(self.step(|state| {
            let there = state.entries.get(key.as_bytes());
            let outcome = match options.mode {
                SetMode::Always => SetOutcome::Stored,
                SetMode::IfStamp(stamp) if there.is_some_and(|it| Stamp::of(it) == stamp) => {
                    self.outcome
                }
                SetMode::IfStamp(_) => return SetOutcome::Refused,
            };
            state.entries.insert(key.as_bytes().into(), entry);
            if outcome == SetOutcome::Echoed {
                state.news.push(key.as_bytes().into());
            }
            outcome
        }))
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        Ok(self.step(|state| {
            state.entries.get(key.as_bytes()).is_some_and(|it| Stamp::of(it) == *stamp)
        }))
    }

    async fn invalidate(&self, keys: &[Key], _: &InvalidateOptions) -> Vec<Result<()>> {
        self.step(|state| {
            let remove = |key: &Key| drop(state.entries.remove(key.as_bytes()));
            keys.iter().map(remove).map(Ok).collect()
        })
    }

    async fn release(&self, _: &Key, _: &Stamp) -> Result<()> {
        Ok(())
    }

    async fn generations(&self, groups: &[Group], _: Duration) -> Result<Vec<Generation>> {
        self.step(|state| {
            let of = |group: &Group| {
                let name = Box::from(group.as_bytes());
                Ok(*state.generations.entry(name).or_insert_with(Generation::fresh))
            };
            groups.iter().map(of).collect()
        })
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        for group in groups {
            let (generation, _) = options.next(group);
            self.step(|state| state.generations.insert(group.as_bytes().into(), generation));
        }
        Ok(())
    }

    async fn identify(&self, _: &Group, _: Option<&Identity>) -> Result<Identity> {
        Ok(Identity::new("shelf", 1))
    }

    fn listen(&self, _: &ListenOptions, listener: Weak<dyn Listener>) {
        self.listener.get_or_init(|| listener);
        self.hear(News::Listening);
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) {}
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shelf")
    }
}
