//! A TTL is a duration between a millisecond and a year.

use cache_aside::{Cache, cached};

#[cached(ttl = "0s")]
async fn zero(cache: &Cache, page: u32) -> u32 {
    page
}

#[cached(ttl = "10us")]
async fn tiny(cache: &Cache, page: u32) -> u32 {
    page
}

#[cached(ttl = "2years")]
async fn huge(cache: &Cache, page: u32) -> u32 {
    page
}

#[cached(ttl = 300)]
async fn number(cache: &Cache, page: u32) -> u32 {
    page
}

#[cached(ttl = "five minutes")]
async fn unclear(cache: &Cache, page: u32) -> u32 {
    page
}

#[cached(ttl = "1m", none_ttl = "0s")]
async fn none(cache: &Cache, page: u32) -> Option<u32> {
    Some(page)
}

fn main() {}
