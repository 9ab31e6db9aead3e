//! What is skipped is an argument, once, and not part of the key.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m", skip(trase))]
    async fn misspelt(&self, trace: u32) -> u32 {
        trace
    }

    #[cached(ttl = "1m", key(page), skip(page))]
    async fn contradicted(&self, page: u32) -> u32 {
        page
    }

    #[cached(ttl = "1m", skip(trace, trace))]
    async fn repeated(&self, trace: u32) -> u32 {
        trace
    }
}

fn main() {}
