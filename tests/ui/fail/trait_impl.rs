//! A trait has no room for the key function: the method of the type is cached, and called.

use cache_aside::{Cache, cached};

trait Lists {
    async fn list(&self, page: u32) -> u32;
}

struct Repository {
    cache: Cache,
}

impl Lists for Repository {
    #[cached(ttl = "1m")]
    async fn list(&self, page: u32) -> u32 {
        page
    }
}

fn main() {}
