//! The TTL tables of two deployments on simulated users: `cargo run --release --example deployments`.
//!
//! Prints hit rates, queries and latencies beside the figures that were published of both.
//! `cargo run --release --example deployments -- docs/deployments.md` writes them into the page.

mod chat;
mod counts;
mod latency;
mod platform;
mod report;
mod source;

use std::{env, fs};

use anyhow::Result;
use cache_aside_examples::page;

use crate::latency::Pair;

/// The same seed makes the same users.
const SEED: u64 = 42;

#[tokio::main]
async fn main() -> Result<()> {
    let (counts, shared) = chat::day(SEED).await?;
    let chat = report::chat(&counts, &shared)?;
    println!("A chat product\n\n{chat}");

    let counts = platform::day(SEED).await?;
    let (pair, mut latencies) = (Pair::start().await?, Vec::new());
    for (entity, (query, _)) in platform::ENTITIES.into_iter().zip(report::QUERIES) {
        latencies.push(pair.measure(entity, query).await?);
    }
    let platform = report::platform(&counts, &latencies, pair.level)?;
    pair.close().await;
    println!("A platform for creative work\n\n{platform}");

    if let Some(file) = env::args().nth(1) {
        let text = page::with_part(&fs::read_to_string(&file)?, "chat", &chat)?;
        fs::write(&file, page::with_part(&text, "platform", &platform)?)?;
    }
    Ok(())
}
