//! What callers notice when Redis goes away: `cargo run --release --example outage`.
//!
//! Starts a server of its own, lets callers ask, ends and freezes the server in several ways, and
//! draws what the callers saw: `cargo run --release --example outage -- picture.svg`.

mod buckets;
mod chart;
mod clock;
mod database;
mod judge;
mod launch;
mod phase;
mod profiles;
mod progress;
mod pulse;
mod record;
mod report;
mod targets;
mod traffic;
mod walk;
mod watch;

use std::process::ExitCode;
use std::{env, fs};

use anyhow::Result;
use cache_aside_examples::server::{Act, Server};

use crate::clock::Clock;
use crate::database::{Database, QUERY, USERS};
use crate::launch::Launch;
use crate::profiles::Profiles;
use crate::pulse::Pulse;
use crate::record::Record;
use crate::targets::Target;
use crate::traffic::{CALLERS, EDITS, Traffic};
use crate::watch::Watch;

/// The same seed makes the same questions.
const SEED: u64 = 42;

/// Where the picture goes if no other file is named.
const PICTURE: &str = "target/outage.svg";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let server = Server::start().await?;
    introduce(&server);
    let record = run(&server).await?;
    println!("\nStarting services while the server is away …");
    server.suffer(Act::Kill).await?;
    let launch = Launch::compare(&server.url()).await?;

    report::print(&record);
    let targets = Target::all(&record, &launch);
    println!();
    targets.iter().for_each(Target::print);
    let picture = env::args().nth(1).unwrap_or_else(|| PICTURE.to_owned());
    fs::write(&picture, chart::draw(&record))?;
    println!("\nThe picture: {picture}");
    let is_good = targets.iter().all(Target::is_met);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lets the callers ask while the server is ended and comes back in every way.
async fn run(server: &Server) -> Result<Record> {
    let clock = Clock::start();
    let profiles = Profiles::new(Some(&server.url()), Database::new(QUERY, clock))?;
    let (pulse, watch) = (Pulse::start(clock), Watch::start(&profiles.cache, clock));
    let traffic = Traffic::start(&profiles, clock, SEED)?;

    let spans = walk::through(server, clock).await?;

    let calls = traffic.stop().await;
    let (samples, lateness) = (watch.stop().await?, pulse.stop());
    profiles.cache.close().await;
    Ok(Record { calls, loads: profiles.db.take_loads(), lateness, samples, spans })
}

fn introduce(server: &Server) {
    let program = server.program();
    println!(
        "A service with memory, {program} and a database of {} ms a query, {USERS} users.
{CALLERS} callers, each asks every {} ms; some users are asked for far more often than others
(Zipf), and {EDITS} of 100 calls edit a profile. Memory holds a part of the profiles.\n",
        QUERY.as_millis(),
        traffic::EVERY.as_millis(),
    );
}
