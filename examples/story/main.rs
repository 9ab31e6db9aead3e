//! One day of a service, improved step by step: `cargo run --release --example story`.
//!
//! Serves the same traffic eight times, prints what callers and the database saw, and fails if a step does
//! not do what it claims. `cargo run --release --example story -- docs/story` writes the figures into
//! `docs/story.md` and draws `docs/story.svg`.

mod chart;
mod claims;
mod database;
mod day;
mod deaf;
mod figures;
mod judge;
mod serve;
mod service;
mod step;
mod table;

use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result};
use cache_aside_examples::figures::grouped;
use cache_aside_examples::page;
use cache_aside_examples::server::Server;

use crate::claims::Claim;
use crate::figures::Figures;
use crate::step::Step;

/// The same seed makes the same day.
const SEED: u64 = 42;

/// Where the picture goes if no place is named.
const PICTURE: &str = "target/story.svg";

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let server = Server::start().await?;
    let requests = day::requests(SEED)?;
    println!(
        "A day in {} seconds: {} calls, to {} instances, of {} articles; {} where Redis is needed.\n",
        day::time(24.0).as_secs(),
        grouped(requests.len()),
        day::INSTANCES,
        day::ARTICLES,
        server.program(),
    );
    table::print_head();
    let mut figures = Vec::new();
    for step in Step::ALL {
        let day = serve::day(step, &requests, &server).await?;
        table::print_line(&day);
        figures.push(day);
    }
    println!();
    let claims = Claim::all(&figures);
    claims.iter().for_each(Claim::print);
    if claims.iter().any(|claim| !claim.is_true) {
        return Ok(ExitCode::FAILURE);
    }
    match env::args().nth(1) {
        Some(place) => write(&place, &figures)?,
        None => fs::write(PICTURE, chart::draw(&figures))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the figures into the page, between its marks, and draws the picture beside it.
fn write(place: &str, figures: &[Figures]) -> Result<()> {
    let file = format!("{place}.md");
    let mut text = fs::read_to_string(&file).with_context(|| file.clone())?;
    text = page::with_part(&text, "all steps", &table::whole(figures))?;
    for step in Step::ALL.into_iter().skip(1) {
        let name = format!("step {}", step as usize);
        text = page::with_part(&text, &name, &table::step(figures, step))?;
    }
    fs::write(file, text)?;
    fs::write(format!("{place}.svg"), chart::draw(figures))?;
    Ok(())
}
