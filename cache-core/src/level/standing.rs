//! How things stand with the remote level: its phase, and what it is owed.

use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::breaker::{Backoff, Breaker, Verdict};
use super::journal::Journal;
use super::phase::{Event, Phase};
use crate::Error;
use crate::backend::Identity;
use crate::group::Group;
use crate::policy::Settings;

/// How things stand with the remote level. Whoever changes it holds the gate's lock.
#[derive(Debug)]
pub(super) struct Standing {
    phase: Phase,
    breaker: Breaker,
    pub(super) journal: Journal,
    pub(super) identity: Option<Identity>,
    /// Why the last operation failed, while none has succeeded since.
    pub(super) problem: Option<Error>,
    backoff: Backoff,
    /// When it was last taken into use, or out of it.
    since: Instant,
    keeper: Option<Keeper>,
    keepers: u64,
    settings: Settings,
}

/// The task that brings the remote level back.
#[derive(Debug)]
struct Keeper {
    number: u64,
    /// When it was last known to run.
    seen: Instant,
    task: Option<AbortHandle>,
}

impl Standing {
    pub(super) fn new(phase: Phase, all: Group, settings: &Settings) -> Self {
        Self {
            phase,
            breaker: Breaker::new(settings),
            journal: Journal::new(all, settings.journal_max),
            identity: None,
            problem: None,
            backoff: Backoff::new(settings.retry_min, settings.retry_max),
            since: Instant::now(),
            keeper: None,
            keepers: 0,
            settings: settings.clone(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns how long it has been in use, or has not.
    pub(super) fn lasted(&self) -> Duration {
        self.since.elapsed()
    }

    /// Takes note of an event; true if it changed the phase.
    pub(super) fn apply(&mut self, event: Event) -> bool {
        let next = self.phase.after(event);
        if next == self.phase {
            return false;
        }
        if next == Phase::Healthy {
            self.problem = None;
        }
        if next == Phase::Down {
            self.breaker.reset();
        }
        // A remote level that is down again soon is asked less and less often.
        if self.phase == Phase::Healthy && self.lasted() >= self.settings.failure_window {
            self.backoff = Backoff::new(self.settings.retry_min, self.settings.retry_max);
        }
        let is_used = |phase| matches!(phase, Phase::Greeting | Phase::Healthy | Phase::Owing);
        if is_used(next) != is_used(self.phase) {
            self.since = Instant::now();
        }
        if !next.is_unsettled() {
            // The next keeper is needed as soon as the next thing goes wrong.
            self.keeper = None;
        }
        self.phase = next;
        true
    }

    /// Takes note of how an operation went; true if the remote level counts as down now.
    pub(super) fn judge(&mut self, verdict: Verdict, now: Duration) -> bool {
        matches!(self.phase, Phase::Healthy | Phase::Owing) && self.breaker.note(verdict, now)
    }

    /// Returns how long to wait before the next probe.
    pub(super) fn pause(&mut self) -> Duration {
        self.backoff.next()
    }

    /// Returns the number of a new keeper, if one is needed: there is none, or it does not run any
    /// more, such as on a runtime that nobody drives.
    pub(super) fn hire(&mut self) -> Option<u64> {
        let patience = 2 * (self.settings.retry_max + self.settings.remote_timeout);
        let works = self.keeper.as_ref().is_some_and(|it| it.seen.elapsed() <= patience);
        if works || !self.phase.is_unsettled() {
            return None;
        }
        // One that hangs must not wake up and work beside the next.
        if let Some(task) = self.keeper.take().and_then(|keeper| keeper.task) {
            task.abort();
        }
        self.keepers += 1;
        self.keeper = Some(Keeper { number: self.keepers, seen: Instant::now(), task: None });
        Some(self.keepers)
    }

    /// Remembers the task of a keeper, to end it with the gate.
    pub(super) fn employ(&mut self, number: u64, task: AbortHandle) {
        match &mut self.keeper {
            Some(keeper) if keeper.number == number => keeper.task = Some(task),
            _ => {}
        }
    }

    /// Whether the keeper with this number is still the one there is, as it just said it runs.
    pub(super) fn keeps(&mut self, number: u64) -> bool {
        match &mut self.keeper {
            Some(keeper) if keeper.number == number => {
                keeper.seen = Instant::now();
                true
            }
            _ => false,
        }
    }

    /// Notes that the keeper runs.
    pub(super) fn touch(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.seen = Instant::now();
        }
    }

    /// Lets the keeper with this number go.
    pub(super) fn dismiss(&mut self, number: u64) {
        if self.keeps(number) {
            self.keeper = None;
        }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if let Some(task) = self.keeper.take().and_then(|keeper| keeper.task) {
            task.abort();
        }
    }
}
