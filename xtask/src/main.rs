//! The commands of this workspace, run as `cargo xtask COMMAND`.
//!
//! * `test [-- ARGUMENTS]` runs all tests on any machine: it finds Redis and Valkey or gets them,
//!   and counts a test that could not run as skipped, never as passed. Arguments, such as a filter,
//!   go to the test runner; doc tests are left out then.
//! * `rules` checks what no compiler does: who may depend on whom, forbidden commands, long files.
//! * `models [-- ARGUMENTS]` tries the orders in which threads may do what they do.
//! * `simulate [ARGUMENTS]` plays histories with every fault, such as `--histories 1000000`, or tells
//!   the one of a seed: `--story SEED` (`docs/testing.md`).
//! * `ci` checks formatting, lints, documentation, rules and features, then runs models, the simulation and tests;
//!   it stops at the first failure, but for those of models and tests, which it counts.
//!
//! With `CI=true`, a test that could not run is a failure.

mod cargo;
mod ci;
mod docker;
mod examples;
mod features;
mod image;
mod install;
mod models;
mod not_run;
mod outcome;
mod rules;
mod servers;
mod shell;
mod simulation;
mod tests;
mod totals;

use std::env;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, String> {
    go_to_root()?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => Ok(tests::run(&[])?.close()),
        ["test", "--", more @ ..] => Ok(tests::run(more)?.close()),
        ["models"] => Ok(models::run(&[])?.close()),
        ["models", "--", more @ ..] => Ok(models::run(more)?.close()),
        ["rules"] => rules::run().map(|()| ExitCode::SUCCESS),
        ["simulate", more @ ..] => simulation::run(more).map(|()| ExitCode::SUCCESS),
        ["ci"] => ci::run(),
        _ => Err(
            "usage: cargo xtask test [-- ARGUMENTS] | models [-- ARGUMENTS] | rules | simulate \
                  [ARGUMENTS] | ci"
                .to_owned(),
        ),
    }
}

/// Tells whether nobody is there to notice a test that could not run.
fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// Enters the workspace that cargo runs us in; clones may share our program.
fn go_to_root() -> Result<(), String> {
    let package = env::var("CARGO_MANIFEST_DIR").map_err(|_| "run this as `cargo xtask`")?;
    let root = Path::new(&package).parent().ok_or("xtask is in no workspace")?;
    env::set_current_dir(root).map_err(|error| format!("cannot enter the workspace: {error}"))
}
