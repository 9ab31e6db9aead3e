//! The steps: what the service does at each of them.

use std::sync::Arc;

use anyhow::Result;
use cache_aside::{Cache, CallOptions, Invalidation, Loaded, Outcome};

use crate::database::{Article, Database};

/// What the service has learned so far. Each step has all of those before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Step {
    Nothing,
    Near,
    SingleFlight,
    FailSafe,
    Refresh,
    Redis,
    Coherence,
    Outage,
}

impl Step {
    pub(crate) const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Near,
        Self::SingleFlight,
        Self::FailSafe,
        Self::Refresh,
        Self::Redis,
        Self::Coherence,
        Self::Outage,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "no cache",
            Self::Near => "memory",
            Self::SingleFlight => "one load",
            Self::FailSafe => "fail-safe",
            Self::Refresh => "refresh",
            Self::Redis => "Redis",
            Self::Coherence => "news of edits",
            Self::Outage => "Redis goes away",
        }
    }

    /// Returns the TTL table.
    ///
    /// An article is good for an hour, and may be served for a day if that must be.
    pub(crate) const fn ttls(self) -> &'static str {
        match self {
            Self::Nothing | Self::Near | Self::SingleFlight => {
                "entities.article = { fresh = '250ms' }"
            }
            _ => "entities.article = { fresh = '250ms', stale = '6s' }",
        }
    }

    /// Returns the settings that are not the defaults.
    ///
    /// A loader that failed is asked again after twelve minutes of the day, then after two hours at most.
    pub(crate) const fn settings(self) -> &'static str {
        match self {
            Self::Redis => "backoff_min = '50ms'\nbackoff_max = '500ms'\ndegraded_ttl = '6s'",
            Self::Coherence | Self::Outage => {
                "backoff_min = '50ms'\nbackoff_max = '500ms'\ndegraded_ttl = '1ms'\n\
                 retry_min = '10ms'\nretry_max = '100ms'"
            }
            _ => "backoff_min = '50ms'\nbackoff_max = '500ms'",
        }
    }

    pub(crate) fn has_redis(self) -> bool {
        self >= Self::Redis
    }

    /// Reads an article; tells whether it was served stale on purpose.
    pub(crate) async fn read(
        self,
        cache: &Cache,
        db: &Database,
        id: usize,
    ) -> Result<(Arc<Article>, Outcome)> {
        let (key, options) = (cache.key("article").arg(id), CallOptions::table());
        let answer = match self {
            Self::Nothing => {
                return Ok((Arc::new(db.article(id).await?), Outcome::Bypass));
            }
            Self::Near => {
                if let Some(article) = cache.get(&key).await? {
                    return Ok((article, Outcome::NearHit));
                }
                let article = Arc::new(db.article(id).await?);
                cache.set(&key, Arc::clone(&article)).await?;
                return Ok((article, Outcome::Loaded));
            }
            Self::SingleFlight | Self::FailSafe => {
                cache.fetch(&key, &options, || db.article(id)).await?
            }
            _ => {
                let db = db.clone();
                let load = move || async move { db.article(id).await.map(Loaded::new) };
                cache.fetch_owned(&key, &options, load).await?
            }
        };
        Ok((answer.value, answer.outcome))
    }

    /// Edits an article, and returns how often that was done, and who knows.
    pub(crate) async fn edit(
        self,
        cache: &Cache,
        db: &Database,
        id: usize,
    ) -> Result<(usize, Invalidation)> {
        let number = db.edit(id).await?;
        if self == Self::Nothing {
            return Ok((number, Invalidation::Everywhere));
        }
        Ok((number, cache.invalidate(&cache.key("article").arg(id)).await?))
    }
}
