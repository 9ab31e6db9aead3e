//! P1: a variable of the expression hides the argument, so the argument would not be in the key.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m", key(ids.iter().map(|page| page + 1).sum::<u32>()))]
    async fn list(&self, ids: Vec<u32>, page: u32) -> u32 {
        ids[page as usize]
    }
}

fn main() {}
