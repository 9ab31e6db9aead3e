//! The near level.

use std::sync::Arc;

use cache_core::{Key, Near, NearEntry, NearUsage};
use moka::sync::Cache;

use crate::MemoryBackend;
use crate::key::{KeptHash, Name, NameRef};

/// Makes the table of decoded values, weighed in bytes.
pub(crate) fn table(max_bytes: u64) -> Cache<Name, Arc<NearEntry>, KeptHash> {
    Cache::builder()
        .max_capacity(max_bytes)
        .weigher(|_: &Name, entry: &Arc<NearEntry>| entry.weight())
        .build_with_hasher(KeptHash::default())
}

impl Near for MemoryBackend {
    fn get(&self, key: &Key) -> Option<Arc<NearEntry>> {
        self.values().get(&NameRef::key(key))
    }

    fn insert(&self, key: &Key, entry: Arc<NearEntry>) {
        self.values().insert(NameRef::key(key).to_name(), entry);
    }

    fn remove(&self, key: &[u8]) {
        self.values().invalidate(&NameRef::bytes(key));
    }

    fn usage(&self) -> NearUsage {
        NearUsage::new(self.values().entry_count(), self.values().weighted_size())
    }
}
