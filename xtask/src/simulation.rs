//! Simulated histories, played by a program that is built for speed.

use std::process::Command;

use crate::cargo::cargo;
use crate::shell;

/// How many histories are played before a change lands.
pub(crate) const IN_CI: &str = "100000";

/// Builds the program.
pub(crate) fn build() -> Result<(), String> {
    shell::run(&mut on("build"))
}

/// Plays histories; a failure tells a short one that fails.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    shell::run(on("run").arg("--quiet").arg("--").args(arguments))
}

fn on(what: &str) -> Command {
    cargo(&[what, "--profile", "simulation", "--package", "cache-aside-simulation"])
}
