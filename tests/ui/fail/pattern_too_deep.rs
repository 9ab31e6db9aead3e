//! The key function has references to the arguments, and patterns cannot see through two.

use cache_aside::{Cache, cached};

#[cached(ttl = "1m")]
async fn pair(cache: &Cache, (from, &to): (u32, &u32)) -> u32 {
    from + to
}

#[cached(ttl = "1m")]
async fn conditional(cache: &Cache, #[cfg(any())] id: u32) -> u32 {
    1
}

fn main() {}
