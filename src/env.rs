//! A cache as the environment describes it.

use crate::{Cache, CacheBuilder, MemoryBackend, RedisBackend, RedisConfig, Result};

/// What the near level of [`from_env`] holds, in bytes.
const NEAR_BYTES: u64 = 64 << 20;

/// Builds a cache from the environment: near always, Redis if it is configured.
///
/// Reads `USE_REDIS`, and `REDIS_URL` or else `REDIS_HOST`, `REDIS_PORT`, `REDIS_USERNAME`,
/// `REDIS_PASSWORD`, `REDIS_DB` and `REDIS_TLS`; see [`RedisConfig::from_env`]. Does not connect.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the variable, if one is malformed or two
/// contradict each other.
pub fn from_env(namespace: &str) -> Result<Cache> {
    builder_from_env(namespace)?.build()
}

/// As [`from_env`], to be completed: with a TTL table, say.
///
/// # Errors
///
/// As [`from_env`].
pub fn builder_from_env(namespace: &str) -> Result<CacheBuilder> {
    let near = MemoryBackend::with_max_bytes(NEAR_BYTES);
    let builder = Cache::builder(namespace).near(near);
    Ok(match RedisConfig::from_env()? {
        Some(config) => builder.remote(RedisBackend::with_config(config)?),
        None => builder,
    })
}
