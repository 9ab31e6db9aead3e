//! Calls of one entity and tier: where each thing about them is noted.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::counters::Counter;
use super::{EntityStats, Outcome};
use crate::key::Key;

/// The calls of one entity and tier. Near entries hold it, so that a near hit looks nothing up.
#[derive(Debug, Default)]
pub(crate) struct Line {
    counters: Counters,
}

impl Line {
    /// Notes a near hit: apart, as it costs more to look at an event than to count it.
    pub(crate) fn near_hit(&self) {
        self.counters.near_hits.add_one();
    }

    /// Notes whatever else happens.
    pub(crate) fn note(&self, event: LineEvent) {
        self.counters.count(event);
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
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// By `entity:tier`, as in keys.
    known: RwLock<HashMap<Box<str>, Arc<Line>>>,
    rest: Arc<Line>,
}

impl Lines {
    /// More than a service has; a bound for those that make names of ids.
    const MAX: usize = 1024;

    /// The name under which the entities beyond the bound are counted.
    const REST: &str = "(other)";

    /// What stands for a tier where there is none.
    const NO_TIER: &str = "-";

    pub(crate) fn of(&self, key: &Key) -> Arc<Line> {
        let name = key.line();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = known.get(name) {
            return Arc::clone(line);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MAX && !known.contains_key(name) {
            return Arc::clone(&self.rest);
        }
        Arc::clone(known.entry(name.into()).or_default())
    }

    /// Returns what was counted, by entity and tier.
    pub(crate) fn read(&self) -> BTreeMap<String, BTreeMap<String, EntityStats>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = BTreeMap::<String, BTreeMap<String, EntityStats>>::new();
        for (name, line) in known.iter() {
            let (entity, tier) = split(name);
            all.entry(entity.to_owned()).or_default().insert(tier.to_owned(), line.counters.read());
        }
        let rest = self.rest.counters.read();
        if rest != EntityStats::default() {
            let tiers = all.entry(Self::REST.to_owned()).or_default();
            tiers.insert(Self::NO_TIER.to_owned(), rest);
        }
        all
    }
}

/// Splits what [`Key::line`] returns.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once(':').unwrap_or((name, Lines::NO_TIER))
}

/// What happens to the calls of one entity and tier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LineEvent {
    /// A call was answered, after so long.
    Answered { outcome: Outcome, took: Option<Duration> },
    /// A call took what another's load came to.
    Coalesced,
    /// A call was given its loader's error.
    Failed { took: Option<Duration> },
    /// What was loaded may not be stored.
    Fenced,
    /// A loader returned an error.
    LoadFailed { kind: LoadKind, took: Duration },
    /// A loader returned a value.
    Loaded { kind: LoadKind, took: Duration },
    /// A loader is asked.
    Loading { kind: LoadKind },
    /// A call without a loader found nothing.
    Missed,
    /// A value was encoded for the remote level.
    Stored { payload: usize, stored: usize },
}

/// Why a loader is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LoadKind {
    /// There is nothing to serve.
    First,
    /// There is something, stale or soon to be.
    Refresh,
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
