//! P1: an argument that is neither in the key nor skipped would let calls share an answer.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m", key(query.trim()))]
    async fn search(&self, query: &str, page: u32, trace: u64) -> u32 {
        query.len() as u32 + page + trace as u32
    }
}

fn main() {}
