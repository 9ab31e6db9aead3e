//! P1: each variable of a pattern is an argument.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m", key(from))]
    async fn range(&self, (from, to): (u32, u32)) -> u32 {
        to - from
    }
}

fn main() {}
