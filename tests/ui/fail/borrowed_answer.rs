//! An answer outlives the call, and has a type with a name.

use std::fmt::Display;

use cache_aside::{Cache, cached};

#[cached(ttl = "1m")]
async fn reference<'a>(cache: &Cache, text: &'a str) -> &'a str {
    text
}

#[cached(ttl = "1m")]
async fn inside<'a>(cache: &Cache, text: &'a str) -> Result<Option<&'a str>, String> {
    Ok(Some(text))
}

#[cached(ttl = "1m")]
async fn unnamed(cache: &Cache, text: String) -> impl Display {
    text
}

fn main() {}
