//! The table is asked by tier.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(tier_ttl)]
    async fn list(&self, page: u32) -> u32 {
        page
    }
}

fn main() {}
