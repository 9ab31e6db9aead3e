//! Everything that must hold before a change lands.

use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::cargo::cargo;
use crate::{examples, features, models, rules, shell, simulation, tests};

/// Runs each step in turn; the first failure ends the run.
pub(crate) fn run() -> Result<ExitCode, String> {
    step("format", || shell::run(&mut cargo(&["fmt", "--all", "--check"])))?;
    step("clippy", || shell::run(&mut clippy()))?;
    step("docs", || shell::run(&mut docs()))?;
    step("rules", rules::run)?;
    step("features", features::check)?;
    let models = step("models", || models::run(&[]))?;
    step("build the simulation", simulation::build)?;
    step("simulate", || simulation::run(&["--histories", simulation::IN_CI]))?;
    step("examples", examples::run)?;
    Ok(step("test", || tests::run(&[]))?.and(models).close())
}

fn clippy() -> Command {
    let mut command = cargo(&["clippy", "--workspace", "--all-targets", "--all-features"]);
    command.args(["--", "--deny", "warnings"]);
    command
}

fn docs() -> Command {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    command.env("RUSTDOCFLAGS", "--deny warnings");
    command
}

fn step<T>(name: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    println!("\n=== {name}");
    let begun = Instant::now();
    let result = work();
    println!("=== {name}: {:.1} s", begun.elapsed().as_secs_f64());
    result
}
