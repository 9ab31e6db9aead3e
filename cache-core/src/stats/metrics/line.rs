//! The metrics of one entity and tier, resolved once.

use std::fmt;
use std::time::Duration;

use ::metrics::{Counter, Histogram, Label, counter, histogram};

use super::names;
use crate::stats::{LineEvent, LineObserver, LoadKind, Outcome};

/// The handles of one entity and tier.
pub(super) struct LineMetrics {
    name: String,
    answers: [Counter; Outcome::ALL.len()],
    durations: [Histogram; Outcome::ALL.len()],
    coalesced: Counter,
    failed: (Counter, Histogram),
    fenced: Counter,
    loads: [LoadMetrics; LoadKind::ALL.len()],
    missed: Counter,
    payload: Counter,
    stored: Counter,
}

/// The handles of loads of one kind.
struct LoadMetrics {
    ok: Counter,
    failed: Counter,
    duration: Histogram,
}

impl LineMetrics {
    pub(super) fn new(entity: &str, tier: Option<&str>) -> Self {
        let tier = tier.unwrap_or("-");
        let line = vec![label("entity", entity), label("tier", tier)];
        let with = |outcome: &str| [&line[..], &[label("outcome", outcome)]].concat();
        let plain = |name: &'static str| counter!(name, line.clone());
        let answers = |outcome: &str| counter!(names::ANSWERS, with(outcome));
        let durations = |outcome: Outcome| match outcome {
            // Nobody takes its time.
            Outcome::NearHit => Histogram::noop(),
            outcome => histogram!(names::CALL_DURATION, with(outcome.as_str())),
        };
        Self {
            name: format!("{entity}/{tier}"),
            answers: Outcome::ALL.map(|outcome| answers(outcome.as_str())),
            durations: Outcome::ALL.map(durations),
            coalesced: plain(names::COALESCED),
            failed: (answers("failed"), histogram!(names::CALL_DURATION, with("failed"))),
            fenced: plain(names::FENCED_FILLS),
            loads: LoadKind::ALL.map(|kind| LoadMetrics::new(&line, kind)),
            missed: answers("missed"),
            payload: plain(names::PAYLOAD_BYTES),
            stored: plain(names::STORED_BYTES),
        }
    }

    fn loads(&self, kind: LoadKind) -> &LoadMetrics {
        match kind {
            LoadKind::First => &self.loads[0],
            LoadKind::Refresh => &self.loads[1],
        }
    }
}

impl LoadMetrics {
    fn new(line: &[Label], kind: LoadKind) -> Self {
        let line = [line, &[label("kind", kind.as_str())]].concat();
        let with = |outcome: &str| [&line[..], &[label("outcome", outcome)]].concat();
        Self {
            ok: counter!(names::LOADS, with("ok")),
            failed: counter!(names::LOADS, with("failed")),
            duration: histogram!(names::LOAD_DURATION, line.clone()),
        }
    }
}

impl LineObserver for LineMetrics {
    fn note(&self, event: &LineEvent) {
        match *event {
            LineEvent::Answered { outcome, took } => {
                self.answers[outcome as usize].increment(1);
                record(&self.durations[outcome as usize], took);
            }
            LineEvent::Coalesced => self.coalesced.increment(1),
            LineEvent::Failed { took } => {
                self.failed.0.increment(1);
                record(&self.failed.1, took);
            }
            LineEvent::Fenced => self.fenced.increment(1),
            LineEvent::LoadFailed { kind, took } => {
                self.loads(kind).failed.increment(1);
                record(&self.loads(kind).duration, Some(took));
            }
            LineEvent::Loaded { kind, took } => {
                self.loads(kind).ok.increment(1);
                record(&self.loads(kind).duration, Some(took));
            }
            // Counted at its end.
            LineEvent::Loading { .. } => {}
            LineEvent::Missed => self.missed.increment(1),
            LineEvent::Stored { payload, stored } => {
                self.payload.increment(payload as u64);
                self.stored.increment(stored as u64);
            }
        }
    }
}

impl fmt::Debug for LineMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LineMetrics({})", self.name)
    }
}

fn label(name: &'static str, value: &str) -> Label {
    Label::new(name, value.to_owned())
}

fn record(histogram: &Histogram, took: Option<Duration>) {
    took.into_iter().for_each(|took| histogram.record(took));
}
