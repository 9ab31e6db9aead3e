//! A near level that does nothing behind anybody's back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cache_aside::{Key, Near, NearEntry, NearUsage};

/// A table that makes room by its order.
#[derive(Debug)]
pub(crate) struct Shelf {
    places: usize,
    entries: Mutex<BTreeMap<Box<[u8]>, Arc<NearEntry>>>,
}

impl Shelf {
    pub(crate) fn new(places: usize) -> Self {
        Self { places, entries: Mutex::default() }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Box<[u8]>, Arc<NearEntry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Near for Shelf {
    fn get(&self, key: &Key) -> Option<Arc<NearEntry>> {
        self.entries().get(key.as_bytes()).cloned()
    }

    fn insert(&self, key: &Key, entry: Arc<NearEntry>) {
        let mut entries = self.entries();
        entries.insert(key.as_bytes().into(), entry);
        if entries.len() > self.places {
            entries.pop_first();
        }
    }

    fn remove(&self, key: &[u8]) {
        self.entries().remove(key);
    }

    fn usage(&self) -> NearUsage {
        NearUsage::new(self.entries().len() as u64, 0)
    }
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shelf({})", self.places)
    }
}
