//! A cached answer runs nothing, so nothing can be changed or consumed.

use cache_aside::{Cache, cached};

#[derive(Clone)]
struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m")]
    async fn changes(&mut self) -> u32 {
        1
    }

    #[cached(ttl = "1m")]
    async fn consumes(self) -> u32 {
        1
    }

    #[cached(ttl = "1m")]
    async fn typed(self: &mut Self) -> u32 {
        1
    }

    #[cached(ttl = "1m", skip(page, out))]
    async fn argument(&self, page: u32, out: &mut u32) -> u32 {
        *out = page;
        page
    }
}

fn main() {}
