//! What the benchmarks of `cache-aside` share: a value of 1 KB, a repository, a Zipf sequence.

use std::convert::Infallible;
use std::sync::Arc;

use cache_aside::{Cache, MemoryBackend, Tier, TtlTable, cached};
use serde::{Deserialize, Serialize};

/// How many users there are.
pub const USERS: u64 = 10_000;

/// The plans of the benchmarked service.
#[derive(Clone, Copy, Debug, Tier)]
pub enum Plan {
    /// The only one that is asked for.
    Studio,
}

/// A value of about 1 KB, encoded.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Profile {
    /// The user's number.
    pub user: u64,
    /// Ten texts of 100 bytes.
    pub fields: Vec<String>,
}

impl Profile {
    /// Makes the profile of a user.
    pub fn of(user: u64) -> Self {
        Self { user, fields: (0..10).map(|field| format!("{field:0>100}")).collect() }
    }
}

/// A repository whose database is a function.
#[derive(Debug)]
pub struct Profiles {
    /// The cache that `#[cached]` uses.
    pub cache: Cache,
}

impl Profiles {
    /// Creates a repository over a near level, with every profile in it.
    pub async fn near() -> Self {
        let near = MemoryBackend::with_max_bytes(1 << 30);
        let profiles = Self::over(Cache::builder("bench").near(near));
        profiles.load_all().await;
        profiles
    }

    /// Creates a repository over a builder.
    ///
    /// # Panics
    ///
    /// If the builder's settings are wrong.
    pub fn over(builder: cache_aside::CacheBuilder) -> Self {
        let table = TtlTable::from_toml("default = '1h'").expect("the table is right");
        Self { cache: builder.ttl_table(table).build().expect("the settings are right") }
    }

    /// Asks for every profile once.
    pub async fn load_all(&self) {
        for user in 0..USERS {
            let Ok(_) = self.profile(Plan::Studio, user).await;
        }
    }

    /// Loads a profile.
    #[cached(tier_ttl)]
    pub async fn profile(&self, tier: Plan, user: u64) -> Result<Arc<Profile>, Infallible> {
        let _ = tier;
        Ok(Arc::new(Profile::of(user)))
    }
}

/// Users as a day of traffic asks for them: Zipf with exponent 1.0, from a fixed seed.
pub fn zipf(length: usize) -> Vec<u64> {
    let weights = (1..=USERS).scan(0.0, |sum, rank| {
        *sum += 1.0 / rank as f64;
        Some(*sum)
    });
    let cumulative: Vec<f64> = weights.collect();
    let total = cumulative[cumulative.len() - 1];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * total
    };
    (0..length)
        .map(|_| {
            let target = draw();
            cumulative.partition_point(|sum| *sum < target) as u64
        })
        .collect()
}
