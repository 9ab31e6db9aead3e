//! A function has one attribute of the cache.

use cache_aside::{Cache, cached, invalidates};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m")]
    #[cached(ttl = "2m")]
    async fn twice(&self, page: u32) -> u32 {
        page
    }

    #[invalidates(user = user)]
    #[cached(ttl = "1m")]
    async fn both(&self, user: u32) -> u32 {
        user
    }
}

fn main() {}
