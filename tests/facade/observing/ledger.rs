//! A recorder of metrics that writes everything down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// What was described and recorded.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    described: BTreeMap<String, (&'static str, Option<Unit>)>,
    series: BTreeMap<(String, Labels), Arc<Times>>,
}

/// Names and values.
pub(super) type Labels = Vec<(String, String)>;

/// A value, or how often there was one.
#[derive(Debug, Default)]
struct Times(AtomicU64);

impl HistogramFn for Times {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl metrics::CounterFn for Times {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl metrics::GaugeFn for Times {
    fn increment(&self, _: f64) {
        unreachable!("gauges are set")
    }

    fn decrement(&self, _: f64) {
        unreachable!("gauges are set")
    }

    fn set(&self, value: f64) {
        self.0.store(value as u64, Ordering::Relaxed);
    }
}

impl Ledger {
    /// Returns names, kinds and units.
    pub(super) fn described(&self) -> BTreeMap<String, (&'static str, Option<Unit>)> {
        self.0.lock().unwrap().described.clone()
    }

    /// Returns the sum of the series with a name that have `labels`.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let book = self.0.lock().unwrap();
        let has = |all: &Labels, (name, value): &(&str, &str)| {
            all.iter().any(|(its_name, its_value)| its_name == name && its_value == value)
        };
        let meant = book
            .series
            .iter()
            .filter(|((it, all), _)| it == name && labels.iter().all(|label| has(all, label)));
        meant.map(|(_, times)| times.0.load(Ordering::Relaxed)).sum()
    }

    /// Returns the names and labels of all series.
    pub(super) fn series(&self) -> BTreeSet<(String, Labels)> {
        self.0.lock().unwrap().series.keys().cloned().collect()
    }

    fn describe(&self, kind: &'static str, name: KeyName, unit: Option<Unit>) {
        self.0.lock().unwrap().described.insert(name.as_str().to_owned(), (kind, unit));
    }

    fn times(&self, key: &Key) -> Arc<Times> {
        let labels = key.labels().map(|it| (it.key().to_owned(), it.value().to_owned())).collect();
        let mut book = self.0.lock().unwrap();
        Arc::clone(book.series.entry((key.name().to_owned(), labels)).or_default())
    }
}

impl Recorder for Ledger {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe("counter", name, unit);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe("gauge", name, unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe("histogram", name, unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.times(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.times(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.times(key))
    }
}
