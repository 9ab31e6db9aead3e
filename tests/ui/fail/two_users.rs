//! Two arguments of one role: whose answer is it?

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m")]
    async fn list(&self, user: u32, user_id: u32) -> u32 {
        user + user_id
    }
}

fn main() {}
