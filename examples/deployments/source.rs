//! What both services share: a cache, a clock that runs through the day, and a database that counts.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use cache_aside::{Cache, Key, MemoryBackend, TtlTable};
use cache_aside_examples::clock::DayClock;

use crate::counts::Counts;

/// A service on its simulated day.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) cache: Cache,
    pub(crate) counts: Counts,
    clock: DayClock,
}

impl Source {
    /// Creates a service with this TTL table.
    ///
    /// What its servers share is what decides whether there is a query: here it is memory, in the place of
    /// Redis, that is large enough for the day and expires by the clock of the day.
    pub(crate) fn new(namespace: &str, table: &str) -> Result<Self> {
        let clock = DayClock::start();
        let shared = MemoryBackend::with_clock(1 << 30, Arc::new(clock.clone()));
        let cache = Cache::builder(namespace)
            .ttl_table(TtlTable::from_toml(table)?)
            .remote(shared)
            .clock(Arc::new(clock.clone()))
            .build()?;
        Ok(Self { cache, counts: Counts::default(), clock })
    }

    pub(crate) fn advance_to(&self, time: Duration) {
        self.clock.advance_to(time);
    }

    /// Reads something through the cache.
    pub(crate) async fn read(&self, entity: &'static str, tier: &'static str, key: &Key) {
        self.counts.call(entity, tier);
        let load = || async {
            self.counts.query(entity, tier);
            Ok::<_, Infallible>(String::new())
        };
        let Ok(_) = self.cache.get_or_load(key, load).await;
    }

    /// Reads something that the TTL table does not name: it is not cached.
    pub(crate) fn read_uncached(&self, entity: &'static str, tier: &'static str) {
        self.counts.call(entity, tier);
        self.counts.query(entity, tier);
    }
}
