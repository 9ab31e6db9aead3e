//! Cache-aside for async Rust services: answers from memory, then from Redis or Valkey, then from
//! your own database.
//!
//! ```
//! use std::sync::Arc;
//! use cache_aside::{Cache, MemoryBackend, Tier, TtlTable, cached, invalidates};
//!
//! #[derive(Clone, Copy, Debug, Tier)]
//! enum Plan { Free, Core, Studio }
//!
//! # #[derive(serde::Serialize, serde::Deserialize)] struct Profile { name: String }
//! # struct Db; impl Db {
//! #     async fn load(&self, user: u64) -> Result<Profile, std::io::Error> { Ok(Profile { name: user.to_string() }) }
//! #     async fn rename(&self, _: u64, _: &str) -> Result<(), std::io::Error> { Ok(()) }
//! # }
//! struct Profiles { db: Db, cache: Cache }
//!
//! impl Profiles {
//!     /// The TTL is in the table: row `plan.name()`, column `profile`.
//!     #[cached(tier_ttl)]
//!     async fn profile(&self, tier: Plan, user: u64) -> Result<Arc<Profile>, std::io::Error> {
//!         self.db.load(user).await.map(Arc::new)
//!     }
//!
//!     /// After `Ok`, whatever is cached for this user is gone, under every tier.
//!     #[invalidates(user = user)]
//!     async fn rename(&self, user: u64, name: &str) -> Result<(), std::io::Error> {
//!         self.db.rename(user, name).await
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = Cache::builder("atlas")
//!     .ttl_table(TtlTable::from_toml("tiers.free.profile = '5m'\ntiers.studio.profile = '30m'")?)
//!     .near(MemoryBackend::with_max_bytes(64 << 20))
//!     .build()?;
//! let profiles = Profiles { db: Db, cache };
//!
//! profiles.profile(Plan::Free, 42).await?;
//! profiles.profile(Plan::Free, 42).await?;
//!
//! assert_eq!(profiles.cache.stats().total().loads, 1);
//! profiles.rename(42, "Ada").await?;
//! profiles.profile(Plan::Free, 42).await?;
//! assert_eq!(profiles.cache.stats().total().loads, 2);
//! # Ok(()) }
//! ```
//!
//! What the library promises, what voids it and which tests hold it is in
//! [`docs/guarantees.md`](https://docs.rs/crate/cache-aside/latest/source/docs/guarantees.md).
//!
//! # Features
//!
//! * `memory` (default): [`MemoryBackend`], on moka.
//! * `redis` (default): [`RedisBackend`], for Redis 7.0 and Valkey 8.0 or newer, TLS included.
//! * `macros` (default): [`macro@cached`], [`macro@invalidates`] and the derives.
//! * `json`: [`codec::Json`], for types that need names, and [`TtlTable::from_json`] and
//!   [`Settings::from_json`].
//! * `metrics`: [`MetricsObserver`], for the facade of that name.
//! * `lz4`: entries of the remote level are compressed ([`Settings::compress_over`]). Turn it on everywhere
//!   at once: instances without it take compressed entries for misses, and replace them.
//! * `test-util`: [`testing`], for tests of services and of backends.

#[cfg(all(feature = "memory", feature = "redis"))]
mod env;

pub use cache_core::*;

#[cfg(feature = "macros")]
pub use cache_derive::{KeyPart, Tier, cached, invalidates};
#[cfg(feature = "memory")]
pub use cache_memory::MemoryBackend;
#[cfg(feature = "redis")]
pub use cache_redis::{RedisBackend, RedisConfig};
#[cfg(all(feature = "memory", feature = "redis"))]
pub use env::{builder_from_env, from_env};
