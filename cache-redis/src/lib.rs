//! Redis and Valkey as the remote level of `cache-aside`.
//!
//! [`RedisBackend`] keeps one multiplexed connection, opened at the first use and replaced in the
//! background for as long as it takes. While there is none, calls fail at once, so that a service
//! starts and goes on without its Redis.
//!
//! ```
//! use cache_redis::{RedisBackend, RedisConfig};
//!
//! let config = RedisConfig::new("redis://app:secret@cache.internal:6380/2")?;
//! let backend = RedisBackend::with_config(config)?;
//!
//! assert_eq!(backend.to_string(), "redis(cache.internal:6380/2)");
//! # Ok::<(), cache_redis::Error>(())
//! ```
//!
//! Redis 7.0, Valkey 7.2 or newer: one primary, at a port or a unix socket, the primary that sentinels
//! name, or a cluster. TLS is `rediss://`, by rustls with ring, whatever the rest of the program uses.

mod backend;
mod backoff;
mod cluster;
mod config;
mod dial;
mod endpoint;
mod env;
mod error;
mod followers;
mod identity;
mod link;
mod news;
mod numbers;
mod parts;
mod reads;
mod reply;
mod rights;
mod script;
mod sentinel;
mod servers;
mod split;
mod stream;
mod supervisor;
mod tls;
mod ttl;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;

pub use backend::RedisBackend;
pub use cache_core::{Error, ErrorKind, Result};
pub use config::RedisConfig;

/// Who logs, by which filters know it: the same as in `cache-core`.
const TARGET: &str = "cache_aside";
