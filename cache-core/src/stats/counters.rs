//! Counters that only go up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Event, Lines, Observer, log};
use crate::ErrorKind;
use crate::wire::Flaw;

/// One counter. Relaxed: a reading is a snapshot, not a fence.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of a cache as a whole.
#[derive(Debug, Default)]
pub(crate) struct CacheCounters {
    pub(crate) lines: Lines,
    observers: Arc<[Arc<dyn Observer>]>,
    pub(crate) remote_errors: RemoteErrors,
    pub(crate) remote_slow: Counter,
    pub(crate) remote_rejections: Counter,
    pub(crate) breaker_openings: Counter,
    pub(crate) waits_given_up: Counter,
    pub(crate) invalidations: Counter,
    pub(crate) invalidations_journalled: Counter,
    pub(crate) invalidations_replayed: Counter,
    pub(crate) journal_overflows: Counter,
    pub(crate) leases_left: Counter,
    pub(crate) loads_queued: Counter,
    pub(crate) loads_over_limit: Counter,
    pub(crate) soft_timeouts: Counter,
    pub(crate) hard_timeouts: Counter,
    pub(crate) background_refused: Counter,
    pub(crate) news: Counter,
    pub(crate) keys_too_long: Counter,
    pub(crate) values_too_large: Counter,
    pub(crate) values_unsupported: Counter,
    pub(crate) ttls_unknown: Counter,
    pub(crate) nones_over_limit: Counter,
    pub(crate) flaws: Flaws,
}

impl CacheCounters {
    pub(crate) fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        let observers: Arc<[_]> = observers.into();
        Self { lines: Lines::new(Arc::clone(&observers)), observers, ..Self::default() }
    }

    /// Notes what happens beside the calls: counts it, logs it, and tells the observers.
    pub(crate) fn note(&self, event: Event<'_>) {
        self.count(&event);
        log::event(&event);
        self.observers.iter().for_each(|observer| observer.note(&event));
    }

    fn count(&self, event: &Event<'_>) {
        match event {
            Event::BackgroundRefused => self.background_refused.add_one(),
            Event::Flawed { flaw, .. } => self.flaws.count(*flaw),
            Event::HardTimeout => self.hard_timeouts.add_one(),
            Event::Invalidated => self.invalidations.add_one(),
            Event::JournalOverflowed { .. } => self.journal_overflows.add_one(),
            Event::Journalled => self.invalidations_journalled.add_one(),
            Event::KeyTooLong => self.keys_too_long.add_one(),
            Event::NoneOverLimit => self.nones_over_limit.add_one(),
            Event::TtlUnknown => self.ttls_unknown.add_one(),
            Event::LeaseLeft => self.leases_left.add_one(),
            Event::LoadOverLimit => self.loads_over_limit.add_one(),
            Event::LoadQueued => self.loads_queued.add_one(),
            Event::RemoteDown { .. } => self.breaker_openings.add_one(),
            Event::RemoteFailed { kind } => self.remote_errors.count(*kind),
            Event::RemoteRejected => self.remote_rejections.add_one(),
            Event::RemoteSlow => self.remote_slow.add_one(),
            Event::Replayed { count } => self.invalidations_replayed.add(*count),
            Event::SoftTimeout => self.soft_timeouts.add_one(),
            Event::ValueTooLarge => self.values_too_large.add_one(),
            Event::ValueUnsupported { .. } => self.values_unsupported.add_one(),
            Event::WaitGivenUp => self.waits_given_up.add_one(),
            // Told, not counted.
            Event::InvalidationLost { .. }
            | Event::NearFlushed
            | Event::RemoteUp { .. }
            | Event::ServerChanged { .. } => {}
        }
    }
}

/// Stored bytes that could not be used, by cause.
#[derive(Debug, Default)]
pub(crate) struct Flaws([Counter; Flaw::ALL.len()]);

impl Flaws {
    pub(crate) fn count(&self, flaw: Flaw) {
        let causes = Flaw::ALL.iter().zip(&self.0);
        for (_, counter) in causes.filter(|(cause, _)| **cause == flaw) {
            counter.add_one();
        }
    }

    pub(crate) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let causes = Flaw::ALL.iter().zip(&self.0);
        causes.map(|(cause, counter)| (cause.as_str(), counter.read()))
    }
}

/// Operations of the remote level that failed, by kind.
#[derive(Debug, Default)]
pub(crate) struct RemoteErrors([Counter; ErrorKind::ALL.len()]);

impl RemoteErrors {
    pub(crate) fn count(&self, kind: ErrorKind) {
        let kinds = ErrorKind::ALL.iter().zip(&self.0);
        kinds.filter(|(it, _)| **it == kind).for_each(|(_, counter)| counter.add_one());
    }

    /// Returns how many were of a kind for which `is_meant`.
    pub(crate) fn sum(&self, is_meant: impl Fn(ErrorKind) -> bool) -> u64 {
        let kinds = ErrorKind::ALL.iter().zip(&self.0);
        kinds.filter(|(kind, _)| is_meant(**kind)).map(|(_, counter)| counter.read()).sum()
    }

    pub(crate) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ErrorKind::ALL.iter().zip(&self.0).map(|(kind, counter)| (kind.as_str(), counter.read()))
    }
}
