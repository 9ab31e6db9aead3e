//! P1: a function of a type that does not name `Self` is taken for one of the module, and must not
//! find the key of a namesake there.

use cache_aside::{Cache, cached};

struct Repository;

#[cached(ttl = "1m")]
async fn list(cache: &Cache, page: u32) -> u32 {
    page
}

impl Repository {
    #[cached(ttl = "1m")]
    async fn list(cache: &Cache, page: u32) -> u32 {
        page + 1
    }
}

fn main() {}
