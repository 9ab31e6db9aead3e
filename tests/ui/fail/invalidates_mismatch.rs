//! The compiler checks a target against the function it names.

use cache_aside::{Cache, cached, invalidates};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m")]
    async fn profile(&self, user: u64) -> u64 {
        user
    }

    #[invalidates(profile(user))]
    async fn wrong_type(&self, user: String) {}

    #[invalidates(profile())]
    async fn too_few(&self) {}

    #[invalidates(profiles(user))]
    async fn unknown(&self, user: u64) {}
}

fn main() {}
