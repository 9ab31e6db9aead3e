//! How often was asked, and how often the database was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Of one kind of question.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) calls: u64,
    pub(crate) queries: u64,
}

impl Count {
    /// Returns the share of calls that needed no query; `None` if there were none.
    pub(crate) fn hit_rate(self) -> Option<f64> {
        (self.calls > 0).then(|| 1.0 - self.queries as f64 / self.calls as f64)
    }

    fn plus(self, other: Self) -> Self {
        Self { calls: self.calls + other.calls, queries: self.queries + other.queries }
    }
}

/// By entity and tier. `Clone` clones the handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Arc<Mutex<BTreeMap<(&'static str, &'static str), Count>>>);

impl Counts {
    pub(crate) fn call(&self, entity: &'static str, tier: &'static str) {
        self.add(entity, tier, Count { calls: 1, queries: 0 });
    }

    pub(crate) fn query(&self, entity: &'static str, tier: &'static str) {
        self.add(entity, tier, Count { calls: 0, queries: 1 });
    }

    /// Counts what needs a query with a cache, too.
    pub(crate) fn write(&self) {
        self.add("(writes)", "", Count { calls: 1, queries: 1 });
    }

    /// Returns the count of one entity, for a tier or for all.
    pub(crate) fn of(&self, entity: &str, tier: Option<&str>) -> Count {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = counts
            .iter()
            .filter(|((one, of), _)| *one == entity && tier.is_none_or(|tier| *of == tier));
        wanted.fold(Count::default(), |sum, (_, count)| sum.plus(*count))
    }

    /// Returns the count of everything, writes included.
    pub(crate) fn all(&self) -> Count {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.values().fold(Count::default(), |sum, count| sum.plus(*count))
    }

    fn add(&self, entity: &'static str, tier: &'static str, more: Count) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((entity, tier)).or_default();
        *count = count.plus(more);
    }
}
