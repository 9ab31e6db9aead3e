//! How long an answer is good has no default.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(key(page))]
    async fn list(&self, page: u32) -> u32 {
        page
    }
}

fn main() {}
