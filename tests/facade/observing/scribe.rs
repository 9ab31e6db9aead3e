//! A subscriber of `tracing` that writes everything down.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// What was logged at `debug` and above.
#[derive(Clone, Debug, Default)]
pub(super) struct Scribe(Arc<Mutex<Vec<Entry>>>);

/// An event, or a span at its begin.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) target: &'static str,
    pub(super) level: Level,
    /// All that its place in the code declares, whether they have a value or not.
    pub(super) fields: Vec<&'static str>,
    pub(super) values: BTreeMap<&'static str, String>,
}

impl Scribe {
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().clone()
    }

    fn write(&self, metadata: &'static Metadata<'static>, record: impl FnOnce(&mut Values)) {
        let mut values = Values(BTreeMap::new());
        record(&mut values);
        let fields = metadata.fields().iter().map(|field| field.name());
        self.0.lock().unwrap().push(Entry {
            name: metadata.name(),
            target: metadata.target(),
            level: *metadata.level(),
            fields: fields.filter(|name| *name != "message").collect(),
            values: values.0,
        });
    }
}

impl Subscriber for Scribe {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG && metadata.target().starts_with("cache")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata(), |values| span.record(values));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), |values| event.record(values));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Values(BTreeMap<&'static str, String>);

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
