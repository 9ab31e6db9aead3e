//! Memory for `cache-aside`, on [moka](https://docs.rs/moka).
//!
//! [`MemoryBackend`] is two things, as it is used: as the near level it keeps decoded values within
//! a byte budget; as a remote level it is an ordinary [`Backend`](cache_core::Backend), for tests
//! and for services without Redis.

mod backend;
mod key;
mod near;

pub use backend::MemoryBackend;
