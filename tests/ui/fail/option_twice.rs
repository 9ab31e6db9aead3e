//! An option is given once.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m", ttl = "2m", entity = "a", entity = "b")]
    async fn list(&self, page: u32) -> u32 {
        page
    }
}

fn main() {}
