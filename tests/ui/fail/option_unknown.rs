//! A misspelt option names the nearest one; every mistake is shown at once.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(tll = "1m", nonettl = "5s", compress)]
    async fn list(&self, page: u32) -> u32 {
        page
    }
}

fn main() {}
