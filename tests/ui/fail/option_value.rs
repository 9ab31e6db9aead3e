//! A wrong value says what a right one looks like.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(tier_ttl = true, entity = "", version = "2", key = page, skip(), user, cache(self))]
    async fn list(&self, page: u32) -> u32 {
        page
    }
}

fn main() {}
