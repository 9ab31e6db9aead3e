//! Targets are calls of cached functions, or groups.

use cache_aside::{Cache, cached, invalidates};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m")]
    async fn profile(&self, user: u64) -> u64 {
        user
    }

    #[invalidates(profile)]
    async fn no_call(&self, user: u64) {}

    #[invalidates(usr = user, ttl = "1m")]
    async fn unknown(&self, user: u64) {}

    #[invalidates(entity = user, cache = self.cache, cache = self.cache)]
    async fn wrong(&self, user: u64) {}

    #[invalidates(user = user)]
    fn not_async(&self, user: u64) {}
}

fn main() {}
