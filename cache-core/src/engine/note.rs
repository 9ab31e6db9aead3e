//! Taking note of calls and loads.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::answer::Answer;
use crate::key::Key;
use crate::stats::{Event, Line, LineEvent, LoadKind, Outcome};

impl Engine {
    /// Returns where calls of a key are counted.
    pub(super) fn line(&self, key: &Key) -> Arc<Line> {
        self.counters.lines.of(key)
    }

    /// Takes note of what a call that began at `started` came to.
    pub(super) fn note_answer<V, E>(
        &self,
        line: &Line,
        started: Duration,
        result: &Result<Answer<V>, E>,
    ) {
        let took = Some(self.clock.monotonic().saturating_sub(started));
        line.note(match result {
            Ok(answer) => LineEvent::Answered { outcome: answer.outcome, took },
            Err(_) => LineEvent::Failed { took },
        });
    }

    /// As [`note_answer`](Self::note_answer), for one without a loader.
    pub(super) fn note_found(&self, line: &Line, started: Duration, found: Option<Outcome>) {
        let took = Some(self.clock.monotonic().saturating_sub(started));
        line.note(match found {
            Some(outcome) => LineEvent::Answered { outcome, took },
            None => LineEvent::Missed,
        });
    }

    /// Takes note that a load begins; returns when.
    ///
    /// The load is not run in here: an `async fn` that is given a future keeps room for it twice, in
    /// the future of every call.
    pub(super) fn begin_load(&self, line: &Line, kind: LoadKind) -> Duration {
        line.note(LineEvent::Loading { kind });
        self.clock.monotonic()
    }

    /// Takes note of what a load came to; returns how long it took.
    pub(super) fn end_load<T, E>(
        &self,
        line: &Line,
        kind: LoadKind,
        started: Duration,
        loaded: &Result<T, E>,
    ) -> Duration {
        let took = self.clock.monotonic().saturating_sub(started);
        line.note(match loaded {
            Ok(_) => LineEvent::Loaded { kind, took },
            Err(_) => LineEvent::LoadFailed { kind, took },
        });
        took
    }

    /// Takes note of a call that waited for its loader for as long as `hard`, in vain.
    pub(crate) fn note_hard_timeout(&self, key: &Key, hard: Duration) {
        self.note(Event::HardTimeout);
        self.line(key).note(LineEvent::Failed { took: Some(hard) });
    }

    /// Takes note of what happens beside the calls.
    pub(crate) fn note(&self, event: Event<'_>) {
        self.counters.note(event);
    }
}
