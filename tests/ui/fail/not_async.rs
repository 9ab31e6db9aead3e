//! Only async functions can wait for a remote answer.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m")]
    fn list(&self, page: u32) -> u32 {
        page
    }
}

fn main() {}
