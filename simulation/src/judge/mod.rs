//! The judge: knows what each answer may be, and says what is wrong.
//!
//! Every load, every change of the source and every end of what is stored has a moment; a value
//! carries that of its load. What a call may answer is a matter of the moment that its load began:
//!
//! * On an instance where an invalidation has returned, calls that begin afterwards answer with
//!   nothing that was loaded before that change (P2).
//! * On an instance that was told that something has ended, or began to listen after it had, calls
//!   that begin afterwards answer with nothing that was loaded before the end (P3).
//! * On every instance, the same holds for acknowledged invalidations once the bound has passed (P3).
//! * When all is quiet, it holds for every change that was acknowledged or that is owed (P3, P9).
//!
//! A value is that of the key asked for (P1), an answer comes in time and is no error (P4), and in a
//! history without faults nothing is loaded twice for nothing (P5).

mod calls;
mod verdict;
mod writes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::catalogue::{Cover, Item, KEYS};
use crate::history::Who;
use crate::trace::Trace;

pub(crate) use verdict::Verdict;
use verdict::Why;
pub(crate) use writes::{Told, Writing};

/// A moment in the order of all that happens.
pub(crate) type Moment = u64;

/// By key, when what was there has last ended.
pub(crate) type Known = [Moment; KEYS];

/// A value: what it was loaded for, and when.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Row {
    pub(crate) item: usize,
    /// When the load began.
    pub(crate) load: Moment,
    /// What the source knew, which may lag.
    pub(crate) seen: Moment,
}

/// Knows what each answer may be.
#[derive(Debug)]
pub(crate) struct Judge {
    pub(crate) trace: Arc<Trace>,
    start: Instant,
    /// How far the source lags, in milliseconds.
    lag: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    moment: Moment,
    /// When moments were, and what happened then, for the source's lag and the story.
    past: Vec<Event>,
    /// When values that writers stored took their place.
    effective: BTreeMap<Moment, Moment>,
    /// By server.
    ended: [Known; 2],
    /// By instance and key.
    floors: Vec<[Floor; KEYS]>,
    /// By key, for all instances once the bound has passed.
    acked: Vec<Vec<Ack>>,
    owed: Vec<Owed>,
    writes: Vec<Write>,
    /// What may be told of late, by journals and in the middle of what others do.
    late: Vec<Cover>,
    /// By instance, how often it died.
    deaths: Vec<u64>,
    calls_open: usize,
    /// How often the server may have lost what it was told.
    losses: u64,
    /// How often everything was ended because the server was another, and how often it may be.
    turns: (u64, u64),
    is_settled: bool,
    /// Whether instances may disagree about what time it is.
    clocks_differ: bool,
    /// By key, how many loads there were and what may have caused more than one.
    loads: [u64; KEYS],
    causes: [u64; KEYS],
    verdict: Option<Verdict>,
}

/// What happened at a moment.
#[derive(Clone, Copy, Debug)]
struct Event {
    at: u64,
    step: usize,
    who: Option<Who>,
}

/// The oldest load that may be answered with, and why.
#[derive(Clone, Copy, Debug)]
struct Floor {
    moment: Moment,
    why: Why,
}

/// An acknowledged invalidation.
#[derive(Clone, Copy, Debug)]
struct Ack {
    at: u64,
    moment: Moment,
    step: usize,
}

/// A change that every instance must come to know.
#[derive(Clone, Copy, Debug)]
struct Owed {
    /// Whose death ends the debt.
    by: Option<Who>,
    writer: Who,
    /// How often the writer had died.
    deaths: u64,
    item: Item,
    moment: Moment,
    step: usize,
    is_set: bool,
}

/// A writer under way.
#[derive(Clone, Copy, Debug)]
struct Write {
    step: usize,
    cover: Cover,
    moment: Moment,
    is_set: bool,
    /// Whether another writer of the same was under way at the same time.
    is_crossed: bool,
}

impl Judge {
    pub(crate) fn new(instances: usize, lag: u64, trace: Arc<Trace>) -> Self {
        let inner = Inner {
            moment: 0,
            past: vec![Event { at: 0, step: 0, who: None }],
            effective: BTreeMap::new(),
            ended: [[0; KEYS]; 2],
            floors: vec![[Floor { moment: 0, why: Why::Nothing }; KEYS]; instances],
            acked: vec![Vec::new(); KEYS],
            owed: Vec::new(),
            writes: Vec::new(),
            late: Vec::new(),
            deaths: vec![0; instances],
            calls_open: 0,
            losses: 0,
            turns: (0, 1),
            is_settled: false,
            clocks_differ: false,
            loads: [0; KEYS],
            causes: [0; KEYS],
            verdict: None,
        };
        Self { trace, start: Instant::now(), lag, inner: Mutex::new(inner) }
    }

    /// Notes that what a server stores of `cover` has ended.
    pub(crate) fn end(&self, server: usize, cover: Cover) {
        let mut inner = self.inner();
        let moment = inner.next(self.now(), 0, None);
        for item in cover.items() {
            inner.ended[server][item.0] = moment;
            inner.causes[item.0] += 1;
        }
    }

    pub(crate) fn ended(&self, server: usize) -> Known {
        self.inner().ended[server]
    }

    /// Notes that another server stands behind the address, and knows nothing of what the one before
    /// was told but from those who were there.
    pub(crate) fn switched(&self) {
        let mut inner = self.inner();
        inner.acked.iter_mut().for_each(Vec::clear);
        let is_told = |floor: &&mut Floor| !matches!(floor.why, Why::Returned { .. });
        let floors = inner.floors.iter_mut().flatten().filter(is_told);
        floors.for_each(|floor| floor.moment = 0);
        let Inner { owed, deaths, .. } = &mut *inner;
        owed.retain(|owed| deaths[owed.writer.0] == owed.deaths);
        owed.iter_mut().for_each(|owed| owed.by = Some(owed.writer));
    }

    /// Notes that an instance has been told of an end, and what had ended by then.
    pub(crate) fn told(&self, who: Who, cover: Cover, known: &Known) {
        let (at, mut inner) = (self.now(), self.inner());
        self.trace.tell(at, || format!("{who} is told that {cover} has ended"));
        for item in cover.items() {
            inner.raise(who, item, Floor { moment: known[item.0], why: Why::Told { at } });
        }
    }

    /// Notes that an instance listens, and what had ended before it began to.
    pub(crate) fn listening(&self, who: Who, known: &Known) {
        let (at, mut inner) = (self.now(), self.inner());
        self.trace.tell(at, || format!("{who} hears what changes"));
        for item in Item::all() {
            inner.raise(who, item, Floor { moment: known[item.0], why: Why::Listening { at } });
        }
    }

    /// Notes that an instance died: its successor knows nothing, and owes nothing.
    pub(crate) fn died(&self, who: Who) {
        let mut inner = self.inner();
        inner.deaths[who.0] += 1;
        inner.floors[who.0] = [Floor { moment: 0, why: Why::Nothing }; KEYS];
        inner.owed.retain(|owed| owed.by != Some(who));
        inner.causes.iter_mut().for_each(|causes| *causes += 1);
    }

    /// Notes that the server may have lost what it was told.
    pub(crate) fn lose(&self) {
        self.inner().losses += 1;
    }

    /// Notes that everything was ended, as the server is another: once over all instances.
    pub(crate) fn took_over(&self) {
        let mut inner = self.inner();
        inner.turns.0 += 1;
        let (turns, most) = inner.turns;
        if turns > most {
            let text = format!("everything ended {turns} times, where {most} would have done");
            inner.find(Verdict::new("P9", text));
        }
    }

    /// Notes that the server may be another, or have no record of itself, so that everything may end
    /// up to `more` times.
    pub(crate) fn may_take_over(&self, more: u64) {
        self.inner().turns.1 += more;
    }

    /// Notes that a wall clock was set, so that one instance may take for over what another does not.
    pub(crate) fn clock_is_set(&self) {
        self.inner().clocks_differ = true;
    }

    pub(crate) fn losses(&self) -> u64 {
        self.inner().losses
    }

    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn next(&mut self, at: u64, step: usize, who: Option<Who>) -> Moment {
        self.moment += 1;
        self.past.push(Event { at, step, who });
        self.moment
    }

    fn raise(&mut self, who: Who, item: Item, floor: Floor) {
        let mine = &mut self.floors[who.0][item.0];
        if floor.moment > mine.moment {
            *mine = floor;
        }
    }

    /// Returns when a value was loaded, or took its place.
    fn effective(&self, load: Moment) -> Moment {
        self.effective.get(&load).copied().unwrap_or(load)
    }

    /// Returns the moment that was the last `lag` milliseconds ago.
    fn before(&self, now: u64, lag: u64) -> Moment {
        if lag == 0 {
            return self.moment;
        }
        let then = now.saturating_sub(lag);
        let later = self.past.iter().rev().take_while(|event| event.at > then).count();
        self.moment.saturating_sub(later as u64)
    }

    fn find(&mut self, verdict: Verdict) {
        if self.verdict.is_none() {
            self.verdict = Some(verdict);
        }
    }
}
