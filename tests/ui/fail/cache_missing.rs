//! A cache is found as `self.cache`, as an argument, or where the attribute says.

use cache_aside::{Cache, cached, invalidates};

struct Repository {
    store: Cache,
}

impl Repository {
    #[cached(ttl = "1m")]
    async fn method(&self, page: u32) -> u32 {
        page
    }
}

#[cached(ttl = "1m")]
async fn function(page: u32) -> u32 {
    page
}

#[invalidates(entity = "page")]
async fn forget(page: u32) -> u32 {
    page
}

fn main() {}
