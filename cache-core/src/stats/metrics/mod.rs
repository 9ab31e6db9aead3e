//! Metrics, through the facade of the crate `metrics`: `docs/observability.md` lists them.

mod gauges;
mod line;
mod names;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use ::metrics::{Counter, Unit, counter, describe_counter, describe_gauge, describe_histogram};

use self::line::LineMetrics;
use super::{Event, LineObserver, Observer};
use crate::ErrorKind;
use crate::wire::Flaw;

pub(crate) use gauges::record_gauges;

/// Counts and times what happens in a cache, in the recorder of the crate `metrics`.
///
/// Its handles are resolved when it is made and when an entity and tier are first asked for: install
/// the recorder before. Labels are `entity`, `tier`, `outcome`, `kind` and `cause`, and never hold a
/// key or a user. Several caches of one process add up. Names, units and what
/// [`Cache::record_gauges`](crate::Cache::record_gauges) sets are listed in `docs/observability.md`.
#[derive(Debug)]
pub struct MetricsObserver {
    counters: HashMap<Series, Handle>,
}

/// A name, and the value of its label; empty if it has none.
type Series = (&'static str, &'static str);

impl MetricsObserver {
    /// Creates one, and describes all metrics to the recorder.
    pub fn new() -> Self {
        describe();
        let plain = names::EVENTS.iter().map(|name| ((*name, ""), Handle(counter!(*name))));
        let errors = labelled(names::REMOTE_ERRORS, "kind", ErrorKind::ALL.map(ErrorKind::as_str));
        let flaws = labelled(names::FLAWS, "cause", Flaw::ALL.map(Flaw::as_str));
        let refused = labelled(names::VALUES_REFUSED, "cause", [TOO_LARGE, UNSUPPORTED]);
        Self { counters: plain.chain(errors).chain(flaws).chain(refused).collect() }
    }
}

const TOO_LARGE: &str = "too_large";
const UNSUPPORTED: &str = "unsupported";

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for MetricsObserver {
    fn line(&self, entity: &str, tier: Option<&str>) -> Arc<dyn LineObserver> {
        Arc::new(LineMetrics::new(entity, tier))
    }

    fn note(&self, event: &Event<'_>) {
        let (series, count) = series(event);
        if let Some(counter) = self.counters.get(&series) {
            counter.0.increment(count);
        }
    }
}

/// Returns where an event is counted, and how much it counts.
fn series(event: &Event<'_>) -> (Series, u64) {
    let plain = |name| ((name, ""), 1);
    match event {
        Event::BackgroundRefused => plain(names::BACKGROUND_REFUSED),
        Event::Flawed { flaw, .. } => ((names::FLAWS, flaw.as_str()), 1),
        Event::HardTimeout => plain(names::HARD_TIMEOUTS),
        Event::Invalidated => plain(names::INVALIDATIONS),
        Event::InvalidationLost { .. } => plain(names::INVALIDATIONS_LOST),
        Event::JournalOverflowed { .. } => plain(names::JOURNAL_OVERFLOWS),
        Event::Journalled => plain(names::INVALIDATIONS_JOURNALLED),
        Event::KeyTooLong => plain(names::KEYS_TOO_LONG),
        Event::LeaseLeft => plain(names::LEASES_LEFT),
        Event::LoadOverLimit => plain(names::LOADS_OVER_LIMIT),
        Event::LoadQueued => plain(names::LOADS_QUEUED),
        Event::NearFlushed => plain(names::NEAR_FLUSHES),
        Event::NoneOverLimit => plain(names::NONES_OVER_LIMIT),
        Event::RemoteDown { .. } => plain(names::REMOTE_DOWNS),
        Event::RemoteFailed { kind } => ((names::REMOTE_ERRORS, kind.as_str()), 1),
        Event::RemoteRejected => plain(names::REMOTE_REJECTIONS),
        Event::RemoteSlow => plain(names::REMOTE_SLOW),
        Event::RemoteUp { .. } => plain(names::REMOTE_UPS),
        Event::Replayed { count } => ((names::INVALIDATIONS_REPLAYED, ""), *count),
        Event::ServerChanged { .. } => plain(names::SERVER_CHANGES),
        Event::SoftTimeout => plain(names::SOFT_TIMEOUTS),
        Event::TtlUnknown => plain(names::TTLS_UNKNOWN),
        Event::ValueTooLarge => ((names::VALUES_REFUSED, TOO_LARGE), 1),
        Event::ValueUnsupported { .. } => ((names::VALUES_REFUSED, UNSUPPORTED), 1),
        Event::WaitGivenUp => plain(names::WAITS_GIVEN_UP),
    }
}

fn labelled<const N: usize>(
    name: &'static str,
    label: &'static str,
    values: [&'static str; N],
) -> impl Iterator<Item = (Series, Handle)> {
    values.into_iter().map(move |value| ((name, value), Handle(counter!(name, label => value))))
}

fn describe() {
    for (name, unit, text) in names::COUNTERS {
        describe_counter!(*name, *unit, *text);
    }
    for (name, unit, text) in names::GAUGES {
        describe_gauge!(*name, *unit, *text);
    }
    for (name, text) in names::HISTOGRAMS {
        describe_histogram!(*name, Unit::Seconds, *text);
    }
}

/// A counter, whose own `Debug` says nothing.
struct Handle(Counter);

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counter")
    }
}
