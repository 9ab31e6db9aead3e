//! The attributes stand on functions with a body.

use cache_aside::{cached, invalidates};

#[cached(ttl = "1m")]
struct Repository;

trait Lists {
    #[cached(ttl = "1m")]
    async fn list(&self) -> u32;

    #[invalidates(user = 1)]
    async fn clear(&self) -> u32;
}

fn main() {}
