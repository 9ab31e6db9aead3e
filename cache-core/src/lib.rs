//! The engine of `cache-aside`: keys, fences, leases, envelopes and the [`Backend`] trait.
//!
//! Services depend on `cache-aside`, which re-exports all of this. Backends depend on this crate.

pub mod backend;
pub mod codec;
pub mod wire;

mod cache;
mod clock;
mod engine;
mod error;
mod group;
mod key;
mod level;
mod policy;
mod random;
mod stats;
mod sync;
mod tier;

#[cfg(any(test, feature = "test-util"))]
pub mod testing;

#[cfg(any(test, fuzzing, feature = "test-util"))]
#[doc(hidden)]
pub mod fuzz;

#[doc(hidden)]
#[path = "macro_support.rs"]
pub mod __private;

pub use backend::Backend;
pub use cache::{
    Cache, CacheBuilder, Changes, Invalidation, Progress, Started, WarmHealth, Warming, Warmups,
    WriteGuard,
};
pub use clock::{Clock, SystemClock};
pub use engine::answer::{Answer, Value};
pub use engine::loaded::Loaded;
pub use error::{Error, ErrorKind, Result};
pub use group::{Generation, Group};
pub use key::{Key, KeyPart, KeyWriter};
pub use level::near::{Near, NearEntry, NearUsage};
pub use policy::{Advice, CallOptions, InvalidatePolicy, Settings, Ttl, TtlTable};
#[cfg(feature = "metrics")]
pub use stats::MetricsObserver;
pub use stats::{
    Closed, EntityStats, Event, Health, Hearing, LineEvent, LineObserver, LoadKind, Observer,
    Outcome, RemoteHealth, RemoteState, Stats, TableHealth,
};
pub use tier::Tier;
