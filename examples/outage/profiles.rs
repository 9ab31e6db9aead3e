//! The cached functions, as in any service: nothing here knows of outages.

use std::sync::Arc;

use anyhow::Result;
use cache_aside::{Cache, MemoryBackend, RedisBackend, Settings, cached, invalidates};

use crate::database::{Database, Profile};

/// What memory may hold: a part of the profiles, so that calls need Redis, too.
const NEAR_BYTES: u64 = 300 << 10;

/// The database behind the cache. `Clone` clones the handles.
#[derive(Clone, Debug)]
pub(crate) struct Profiles {
    pub(crate) cache: Cache,
    pub(crate) db: Database,
}

impl Profiles {
    /// Puts memory and, if there is an address, Redis in front of the database.
    pub(crate) fn new(redis: Option<&str>, db: Database) -> Result<Self> {
        let mut builder = Cache::builder("outage")
            .settings(Settings::default())
            .near(MemoryBackend::with_max_bytes(NEAR_BYTES));
        if let Some(url) = redis {
            builder = builder.remote(RedisBackend::new(url)?);
        }
        Ok(Self { cache: builder.build()?, db })
    }

    #[cached(ttl = "10m", entity = "profile")]
    pub(crate) async fn profile(&self, user: usize) -> Result<Arc<Profile>> {
        self.db.profile(user).await.map(Arc::new)
    }

    /// After `Ok`, nobody is served the profile of before, whatever Redis is doing.
    #[invalidates(profile(user))]
    pub(crate) async fn edit(&self, user: usize) -> Result<u64> {
        self.db.edit(user).await
    }
}
