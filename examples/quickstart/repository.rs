//! The cached functions. Everything that the service has to write is in this file and `ttl.toml`.

use std::sync::Arc;

use anyhow::Result;
use cache_aside::{Cache, cached, invalidates};

use crate::database::Database;
use crate::model::{Conversation, Hit, Plan, Profile};

/// The database behind the cache. `Clone` clones the handles.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) cache: Cache,
    pub(crate) db: Database,
}

impl Repository {
    /// Returns the plan of a user. Asked with every request, and the tier of all that follows.
    #[cached(ttl = "5m", entity = "plan")]
    pub(crate) async fn plan(&self, user: u32) -> Result<Plan> {
        self.db.plan(user).await
    }

    /// The TTL is in the table: row = the tier, column = the entity.
    #[cached(tier_ttl, entity = "profile")]
    pub(crate) async fn profile(&self, tier: Plan, user: u32) -> Result<Arc<Profile>> {
        self.db.profile(user).await.map(Arc::new)
    }

    #[cached(tier_ttl, entity = "conversations")]
    pub(crate) async fn conversations(
        &self,
        tier: Plan,
        user: u32,
    ) -> Result<Arc<Vec<Conversation>>> {
        self.db.conversations(user).await.map(Arc::new)
    }

    /// " Ada" and "ada" are one question. A new name is found once the two minutes are over.
    #[cached(ttl = "2m", none_ttl = "30s", entity = "search", key(query.trim().to_lowercase(), page))]
    pub(crate) async fn search(&self, query: &str, page: u32) -> Result<Option<Vec<Hit>>> {
        self.db.search(query.trim(), page).await
    }

    /// After `Ok`, whatever is cached for this user is gone, under every tier.
    #[invalidates(user = user)]
    pub(crate) async fn rename(&self, user: u32, name: &str) -> Result<u32> {
        self.db.rename(user, name).await
    }

    #[invalidates(user = user)]
    pub(crate) async fn change_plan(&self, user: u32, plan: Plan) -> Result<()> {
        self.db.change_plan(user, plan).await
    }

    /// After `Ok`, this user's list of conversations is gone; the profile stays.
    #[invalidates(conversations(tier, user))]
    pub(crate) async fn send(&self, tier: Plan, user: u32) -> Result<()> {
        self.db.send(user).await
    }
}
