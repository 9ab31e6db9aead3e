//! How a service starts while the server is away, compared with one that uses none.

use std::time::{Duration, Instant};

use anyhow::Result;
use cache_aside_examples::figures::Sorted;

use crate::clock::Clock;
use crate::database::Database;
use crate::profiles::Profiles;

/// How often each is started.
const ROUNDS: usize = 101;

/// How many calls belong to a start.
pub(crate) const CALLS: usize = 20;

/// How long it took to build the cache and answer the first calls.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) with: Sorted,
    pub(crate) without: Sorted,
}

impl Launch {
    /// Starts services in turns, so that a busy moment of the machine meets both.
    ///
    /// Their database takes no time, so that nothing hides what the cache does.
    pub(crate) async fn compare(dead_server: &str) -> Result<Self> {
        let db = Database::new(Duration::ZERO, Clock::start());
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            without.push(launch(None, &db).await?);
            with.push(launch(Some(dead_server), &db).await?);
        }
        Ok(Self { with: Sorted::new(with.into_iter()), without: Sorted::new(without.into_iter()) })
    }
}

async fn launch(redis: Option<&str>, db: &Database) -> Result<Duration> {
    let started = Instant::now();
    let profiles = Profiles::new(redis, db.clone())?;
    for user in 0..CALLS {
        profiles.profile(user).await?;
    }
    let took = started.elapsed();
    profiles.cache.close().await;
    Ok(took)
}
