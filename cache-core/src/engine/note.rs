//! Taking note of calls and loads.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

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

    /// Runs a load, and takes note of it and of how long it took.
    pub(super) async fn timed<T, E>(
        &self,
        line: &Line,
        kind: LoadKind,
        load: impl Future<Output = Result<T, E>>,
    ) -> (Result<T, E>, Duration) {
        line.note(LineEvent::Loading { kind });
        let started = self.clock.monotonic();
        let loaded = load.instrument(line.load(kind)).await;
        let took = self.clock.monotonic().saturating_sub(started);
        line.note(match loaded {
            Ok(_) => LineEvent::Loaded { kind, took },
            Err(_) => LineEvent::LoadFailed { kind, took },
        });
        (loaded, took)
    }

    /// Takes note of what happens beside the calls.
    pub(crate) fn note(&self, event: Event<'_>) {
        self.counters.note(event);
    }
}
