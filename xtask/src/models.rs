//! Runs the concurrency models.

use std::env;
use std::path::PathBuf;

use crate::cargo::cargo;
use crate::outcome::Outcome;
use crate::shell::{self, Stream};
use crate::totals::{Runner, Totals};

/// Runs the models, or with arguments those that they select.
///
/// They are built with a flag of their own, so in a folder of their own: nothing else is built anew.
pub(crate) fn run(arguments: &[&str]) -> Result<Outcome, String> {
    let mut command = cargo(&["test", "--package", "cache-core", "--lib", "--target-dir"]);
    command.arg(folder()).args(["--", "engine::models::"]);
    command.args(arguments).env("RUSTFLAGS", "--cfg model");
    let mut totals = Totals::default();
    let read = |line: &str| totals.read(Runner::Cargo, line);
    let passed = shell::run_reading(&mut command, Stream::Output, read)?;
    if passed && totals.passed == 0 {
        return Err("no model ran".to_owned());
    }
    Ok(Outcome { passed, totals })
}

fn folder() -> PathBuf {
    PathBuf::from(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())).join("models")
}
