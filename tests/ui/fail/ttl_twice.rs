//! The TTL is in the attribute or in the table.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(tier_ttl, ttl = "1m")]
    async fn list(&self, tier: String) -> String {
        tier
    }
}

fn main() {}
