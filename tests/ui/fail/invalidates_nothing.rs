//! Something must become outdated.

use cache_aside::{Cache, invalidates};

#[invalidates]
async fn bare(cache: &Cache) {}

#[invalidates(cache = *cache)]
async fn only_cache(cache: &Cache) {}

fn main() {}
