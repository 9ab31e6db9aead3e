//! A day of a chat service, first without a cache and then with one.
//!
//! `cargo run --example quickstart`, or with Redis beside it:
//! `REDIS_URL=redis://127.0.0.1:6379 cargo run --example quickstart`.

mod database;
mod day;
mod fill;
mod model;
mod progress;
mod proof;
mod report;
mod repository;
mod run;
mod store;
mod timings;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use cache_aside::{Cache, RemoteHealth, TtlTable};
use cache_aside_examples::clock::DayClock;
use cache_aside_examples::figures::grouped;
use cache_aside_examples::visits::END;

use crate::database::Database;
use crate::day::Request;
use crate::report::{Report, Side};
use crate::repository::Repository;
use crate::store::Store;

/// The same seed makes the same users and the same day.
const SEED: u64 = 42;

#[tokio::main]
async fn main() -> Result<()> {
    let clock = DayClock::start();
    let namespace = format!("quickstart-{:08x}", rand::random::<u32>()); // no entries of other runs
    let cache = build_cache(&namespace, &clock)?;
    let folder = tempfile::tempdir()?; // removed at the end
    let (plain, db) = databases(folder.path())?;
    let requests: Arc<[Request]> = day::requests(SEED)?.into();
    let repository = Repository { cache, db };
    let remote = repository.cache.health().await.remote;
    introduce(remote.as_ref());

    let plain = Store::Plain(plain);
    let without = run::serve("Without the cache", &plain, &requests, &DayClock::start()).await?;
    let cached = Store::Cached(repository.clone());
    let with = run::serve("With the cache", &cached, &requests, &clock).await?;
    Report {
        without: Side::new(plain.database(), &without),
        with: Side::new(cached.database(), &with),
        stats: repository.cache.stats(),
        has_remote: remote.is_some(),
    }
    .print();
    explain(remote.as_ref());

    proof::edit_is_seen(&repository).await?;
    if remote.is_some() {
        let second = Repository { cache: build_cache(&namespace, &clock)?, ..repository.clone() };
        proof::second_server(second, last_minutes(&requests), &clock).await?;
    }
    finish(&repository.cache).await;
    Ok(())
}

/// Makes two databases of the same content, one for each run.
fn databases(folder: &Path) -> Result<(Database, Database)> {
    let (plain, cached) = (folder.join("plain.db"), folder.join("cached.db"));
    fill::fill(&plain, SEED)?;
    fs::copy(&plain, &cached)?;
    Ok((Database::open(&plain)?, Database::open(&cached)?))
}

/// Builds the cache: memory, and Redis if the environment names one.
fn build_cache(namespace: &str, clock: &DayClock) -> Result<Cache> {
    let table = TtlTable::from_toml(include_str!("ttl.toml"))?;
    let builder = cache_aside::builder_from_env(namespace)?.ttl_table(table);
    Ok(builder.clock(Arc::new(clock.clone())).build()?)
}

fn introduce(remote: Option<&RemoteHealth>) {
    let (users, requests) = (grouped(fill::USERS as usize), grouped(day::REQUESTS));
    println!(
        "\nA day of a chat service: {users} users, {requests} requests, {} at a time.",
        run::CLIENTS
    );
    println!("Each request asks for the user's plan, then for what the user wants.");
    match remote {
        Some(remote) => println!("Levels: the memory of this process, then {}.\n", remote.backend),
        None => println!("Level: the memory of this process.\n"),
    }
}

fn explain(remote: Option<&RemoteHealth>) {
    println!(
        "Every profile was checked: none was older than the user's last edit.
The clock of the cache runs through the 24 hours, so entries expire as in a real day. Requests do
not wait for it: the machine is busy throughout, and the slowest answers are misses. SQLite is in
this process; with a database across a network, the left sides are longer and the hits as they are."
    );
    if remote.is_some() {
        println!(
            "With Redis, the call after a load reads the entry back once, and then it stays near until Redis
tells of a change. A miss pays for two round trips more than without; a second server, below, gains."
        );
    }
    if cfg!(debug_assertions) {
        println!("This is a dev build: `--release` is faster on both sides.");
    }
}

/// Returns the requests of the quarter of an hour before midnight.
fn last_minutes(requests: &[Request]) -> &[Request] {
    let from = END - Duration::from_secs(15 * 60);
    &requests[requests.partition_point(|request| request.at < from)..]
}

async fn finish(cache: &Cache) {
    match cache.health().await.remote {
        Some(remote) => {
            let news = if remote.is_listening() { "is heard" } else { "is not heard" };
            println!("\nHealth: {} is {:?}, and {news}.", remote.backend, remote.state);
            remote.problem.iter().for_each(|problem| println!("  {problem}"));
        }
        None => println!(
            "\nTo see the levels apart: REDIS_URL=redis://127.0.0.1:6379 cargo run --example quickstart"
        ),
    }
    cache.close().await;
}
