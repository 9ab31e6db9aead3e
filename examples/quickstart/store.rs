//! What the traffic talks to: the same functions with and without the cache.

use std::sync::Arc;

use anyhow::Result;

use crate::database::Database;
use crate::model::{Conversation, Hit, Plan, Profile};
use crate::repository::Repository;

/// Answers the questions of the day. `Clone` clones the handle.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    /// Through the cache.
    Cached(Repository),
    /// From the database, each time.
    Plain(Database),
}

impl Store {
    pub(crate) fn database(&self) -> &Database {
        match self {
            Self::Cached(repository) => &repository.db,
            Self::Plain(database) => database,
        }
    }

    pub(crate) async fn plan(&self, user: u32) -> Result<Plan> {
        match self {
            Self::Cached(repository) => repository.plan(user).await,
            Self::Plain(database) => database.plan(user).await,
        }
    }

    pub(crate) async fn profile(&self, tier: Plan, user: u32) -> Result<Arc<Profile>> {
        match self {
            Self::Cached(repository) => repository.profile(tier, user).await,
            Self::Plain(database) => database.profile(user).await.map(Arc::new),
        }
    }

    pub(crate) async fn conversations(
        &self,
        tier: Plan,
        user: u32,
    ) -> Result<Arc<Vec<Conversation>>> {
        match self {
            Self::Cached(repository) => repository.conversations(tier, user).await,
            Self::Plain(database) => database.conversations(user).await.map(Arc::new),
        }
    }

    pub(crate) async fn search(&self, query: &str, page: u32) -> Result<Option<Vec<Hit>>> {
        match self {
            Self::Cached(repository) => repository.search(query, page).await,
            Self::Plain(database) => database.search(query.trim(), page).await,
        }
    }

    pub(crate) async fn rename(&self, user: u32, name: &str) -> Result<u32> {
        match self {
            Self::Cached(repository) => repository.rename(user, name).await,
            Self::Plain(database) => database.rename(user, name).await,
        }
    }

    pub(crate) async fn change_plan(&self, user: u32, plan: Plan) -> Result<()> {
        match self {
            Self::Cached(repository) => repository.change_plan(user, plan).await,
            Self::Plain(database) => database.change_plan(user, plan).await,
        }
    }

    pub(crate) async fn send(&self, tier: Plan, user: u32) -> Result<()> {
        match self {
            Self::Cached(repository) => repository.send(tier, user).await,
            Self::Plain(database) => database.send(user).await,
        }
    }
}
