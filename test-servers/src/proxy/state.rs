//! What the threads of a proxy share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::rule::Rule;
use super::wire::Wire;

/// What the threads of a proxy share.
#[derive(Debug)]
pub(super) struct State {
    facts: Mutex<Facts>,
    changed: Condvar,
}

#[derive(Debug)]
struct Facts {
    rule: Rule,
    /// How many rules there were before.
    age: u64,
    upstream: u16,
    is_open: bool,
    has_ended: bool,
    wires: Vec<Weak<Wire>>,
}

impl State {
    pub(super) fn new(upstream: u16) -> Self {
        let (rule, wires) = (Rule::Pass, Vec::new());
        let facts = Facts { rule, age: 0, upstream, is_open: true, has_ended: false, wires };
        Self { facts: Mutex::new(facts), changed: Condvar::new() }
    }

    /// Returns the rule, and how many there were before it.
    pub(super) fn rule(&self) -> (Rule, u64) {
        let facts = self.facts();
        (facts.rule, facts.age)
    }

    pub(super) fn set(&self, rule: Rule) {
        let mut facts = self.facts();
        facts.rule = rule;
        facts.age += 1;
        self.changed.notify_all();
    }

    pub(super) fn upstream(&self) -> u16 {
        self.facts().upstream
    }

    pub(super) fn lead_to(&self, upstream: u16) {
        self.facts().upstream = upstream;
    }

    pub(super) fn end(&self) {
        self.facts().has_ended = true;
        self.changed.notify_all();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.facts().has_ended
    }

    /// Waits for news, but not for long.
    pub(super) fn wait(&self, at_most: Duration) {
        let facts = self.facts();
        let _ = self.changed.wait_timeout(facts, at_most).unwrap_or_else(PoisonError::into_inner);
    }

    /// Whether clients are to be let in.
    pub(super) fn wants_open(&self) -> bool {
        let facts = self.facts();
        facts.rule != Rule::Refuse && !facts.has_ended
    }

    /// Notes whether clients are let in.
    pub(super) fn note_door(&self, is_open: bool) {
        self.facts().is_open = is_open;
        self.changed.notify_all();
    }

    /// Waits until the door is as the rule says.
    pub(super) fn wait_for_door(&self) {
        let is_wrong = |facts: &mut Facts| facts.is_open == (facts.rule == Rule::Refuse);
        let waited = self.changed.wait_while(self.facts(), is_wrong);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn add(&self, wire: &Arc<Wire>) {
        let mut facts = self.facts();
        facts.wires.retain(|wire| wire.strong_count() > 0);
        facts.wires.push(Arc::downgrade(wire));
    }

    pub(super) fn each_wire(&self, act: impl Fn(&Wire)) {
        let wires: Vec<_> = self.facts().wires.iter().filter_map(Weak::upgrade).collect();
        wires.iter().for_each(|wire| act(wire));
        self.changed.notify_all();
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
