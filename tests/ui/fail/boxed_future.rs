//! What `#[async_trait]` has rewritten is no async function any more.

use std::future::Future;
use std::pin::Pin;

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m")]
    fn list<'a>(&'a self, page: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'a>> {
        Box::pin(async move { page })
    }
}

fn main() {}
