//! There must be an answer to keep.

use cache_aside::{Cache, cached};

#[cached(ttl = "1m")]
async fn nothing(cache: &Cache, page: u32) {
    drop(page);
}

#[cached(ttl = "1m")]
async fn unit(cache: &Cache, page: u32) -> () {
    drop(page);
}

fn main() {}
