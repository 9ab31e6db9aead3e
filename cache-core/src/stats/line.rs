//! Calls of one entity and tier: where each thing about them is noted.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::counters::Counter;
use super::{EntityStats, LineEvent, LineObserver, LoadKind, Observer, Outcome, log};
use crate::key::Key;

/// The calls of one entity and tier. Near entries hold it, so that a near hit looks nothing up.
#[derive(Debug)]
pub(crate) struct Line {
    counters: Counters,
    entity: Box<str>,
    tier: Option<Box<str>>,
    observers: Box<[Arc<dyn LineObserver>]>,
}

impl Line {
    fn new(entity: &str, tier: Option<&str>, observers: &[Arc<dyn Observer>]) -> Self {
        let observers = observers.iter().map(|observer| observer.line(entity, tier)).collect();
        let (entity, tier) = (entity.into(), tier.map(Into::into));
        Self { counters: Counters::default(), entity, tier, observers }
    }

    /// Notes a near hit. It is not logged: looking whether somebody wants that costs too much.
    pub(crate) fn near_hit(&self) {
        self.counters.near_hits.add_one();
        if !self.observers.is_empty() {
            self.tell_near_hit();
        }
    }

    /// Notes whatever else happens.
    pub(crate) fn note(&self, event: LineEvent) {
        self.counters.count(event);
        log::line(self, &event);
        self.tell(&event);
    }

    /// Returns the span of a load.
    pub(crate) fn load(&self, kind: LoadKind) -> tracing::Span {
        log::load(self, kind)
    }

    pub(super) fn entity(&self) -> &str {
        &self.entity
    }

    pub(super) fn tier(&self) -> Option<&str> {
        self.tier.as_deref()
    }

    /// Out of the way of those whom nobody observes.
    #[cold]
    #[inline(never)]
    fn tell_near_hit(&self) {
        self.tell(&LineEvent::Answered { outcome: Outcome::NearHit, took: None });
    }

    fn tell(&self, event: &LineEvent) {
        self.observers.iter().for_each(|observer| observer.note(event));
    }
}

#[derive(Debug, Default)]
struct Counters {
    near_hits: Counter,
    remote_hits: Counter,
    stale: Counter,
    loaded: Counter,
    bypassed: Counter,
    failed: Counter,
    missed: Counter,
    coalesced: Counter,
    loads: Counter,
    refreshes: Counter,
    refreshes_failed: Counter,
    load_us: Counter,
    fenced_fills: Counter,
    payload_bytes: Counter,
    stored_bytes: Counter,
}

impl Counters {
    fn count(&self, event: LineEvent) {
        match event {
            LineEvent::Answered { outcome, .. } => self.of(outcome).add_one(),
            LineEvent::Coalesced => self.coalesced.add_one(),
            LineEvent::Failed { .. } => self.failed.add_one(),
            LineEvent::Fenced => self.fenced_fills.add_one(),
            LineEvent::LoadFailed { kind, took } => {
                self.load_us.add(micros(took));
                if kind == LoadKind::Refresh {
                    self.refreshes_failed.add_one();
                }
            }
            LineEvent::Loaded { took, .. } => self.load_us.add(micros(took)),
            LineEvent::Loading { kind } => {
                self.loads.add_one();
                if kind == LoadKind::Refresh {
                    self.refreshes.add_one();
                }
            }
            LineEvent::Missed => self.missed.add_one(),
            LineEvent::Stored { payload, stored } => {
                self.payload_bytes.add(payload as u64);
                self.stored_bytes.add(stored as u64);
            }
        }
    }

    fn of(&self, outcome: Outcome) -> &Counter {
        match outcome {
            Outcome::Bypass => &self.bypassed,
            Outcome::Loaded => &self.loaded,
            Outcome::NearHit => &self.near_hits,
            Outcome::RemoteHit => &self.remote_hits,
            Outcome::Stale => &self.stale,
        }
    }

    fn read(&self) -> EntityStats {
        EntityStats {
            near_hits: self.near_hits.read(),
            remote_hits: self.remote_hits.read(),
            stale: self.stale.read(),
            loaded: self.loaded.read(),
            bypassed: self.bypassed.read(),
            failed: self.failed.read(),
            missed: self.missed.read(),
            coalesced: self.coalesced.read(),
            loads: self.loads.read(),
            refreshes: self.refreshes.read(),
            refreshes_failed: self.refreshes_failed.read(),
            load_us: self.load_us.read(),
            fenced_fills: self.fenced_fills.read(),
            payload_bytes: self.payload_bytes.read(),
            stored_bytes: self.stored_bytes.read(),
        }
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// The lines of a cache, up to a bound; calls of the rest share one.
#[derive(Debug)]
pub(crate) struct Lines {
    /// By `entity:tier`, as in keys.
    known: RwLock<HashMap<Box<str>, Arc<Line>>>,
    rest: Arc<Line>,
    observers: Arc<[Arc<dyn Observer>]>,
}

impl Lines {
    /// More than a service has; a bound for those that make names of ids.
    const MAX: usize = 1024;

    /// The name under which the entities beyond the bound are counted.
    const REST: &str = "(other)";

    /// What stands for a tier where there is none.
    const NO_TIER: &str = "-";

    pub(super) fn new(observers: Arc<[Arc<dyn Observer>]>) -> Self {
        let rest = Arc::new(Line::new(Self::REST, None, &observers));
        Self { known: RwLock::default(), rest, observers }
    }

    pub(crate) fn of(&self, key: &Key) -> Arc<Line> {
        let name = key.line();
        if let Some(line) = self.find(name) {
            return line;
        }
        // Without the lock: it asks the observers.
        let line = Arc::new(Line::new(key.entity(), key.tier_name(), &self.observers));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MAX && !known.contains_key(name) {
            return Arc::clone(&self.rest);
        }
        Arc::clone(known.entry(name.into()).or_insert(line))
    }

    fn find(&self, name: &str) -> Option<Arc<Line>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let rest = (known.len() >= Self::MAX).then_some(&self.rest);
        known.get(name).or(rest).cloned()
    }

    /// Returns what was counted, by entity and tier.
    pub(crate) fn read(&self) -> BTreeMap<String, BTreeMap<String, EntityStats>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = BTreeMap::<String, BTreeMap<String, EntityStats>>::new();
        for line in known.values() {
            let (entity, tier) = (line.entity().to_owned(), line.tier().unwrap_or(Self::NO_TIER));
            all.entry(entity).or_default().insert(tier.to_owned(), line.counters.read());
        }
        let rest = self.rest.counters.read();
        if rest != EntityStats::default() {
            let tiers = all.entry(Self::REST.to_owned()).or_default();
            tiers.insert(Self::NO_TIER.to_owned(), rest);
        }
        all
    }
}

#[cfg(test)]
impl Default for Line {
    fn default() -> Self {
        Self::new("entity", None, &[])
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn entities_beyond_the_bound_share_a_line() {
        let lines = Lines::default();
        for index in 0..Lines::MAX + 5 {
            let key = testing::key("atlas", &format!("entity{index}"));
            lines.of(&key).note(LineEvent::Missed);
        }

        let all = lines.read();

        assert_eq!(all[Lines::REST][Lines::NO_TIER].missed, 5);
        assert_eq!(all.len(), Lines::MAX + 1);
    }

    #[test]
    fn tiers_of_an_entity_have_their_own_lines_and_no_tier_is_none_of_them() {
        let lines = Lines::default();
        let key = || testing::key("atlas", "profile:a");
        for key in [key(), key().tier("free"), key().tier("free").user(7), key().tier("-")] {
            lines.of(&key).near_hit();
        }

        let tiers = lines.read().remove("profile%3Aa").unwrap();

        let hits = tiers.iter().map(|(tier, stats)| (tier.as_str(), stats.near_hits));
        assert_eq!(hits.collect::<Vec<_>>(), [("%2D", 1), ("-", 1), ("free", 2)]);
    }
}
