//! An argument of the key is a `KeyPart`; the error points at it.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

struct Filter(u32);

impl Repository {
    #[cached(ttl = "1m")]
    async fn list(&self, filter: Filter) -> u32 {
        filter.0
    }
}

fn main() {}
