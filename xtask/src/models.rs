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
    command.arg(folder()).env("RUSTFLAGS", "--cfg model");
    command.arg("--").args(selection(arguments)).args(arguments);
    let mut totals = Totals::default();
    let read = |line: &str| totals.read(Runner::Cargo, line);
    let passed = shell::run_reading(&mut command, Stream::Output, read)?;
    if passed && totals.passed == 0 {
        return Err("no model ran".to_owned());
    }
    Ok(Outcome { passed, totals })
}

/// Selects all models, or leaves that to the arguments: each name that the test runner is given adds
/// to the others. Ordinary tests cannot run in such a build.
fn selection(arguments: &[&str]) -> &'static [&'static str] {
    let names_some = arguments.iter().any(|argument| !argument.starts_with('-'));
    if names_some { &["--skip", "::tests::"] } else { &["engine::models::"] }
}

fn folder() -> PathBuf {
    PathBuf::from(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())).join("models")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_selects_and_an_option_does_not() {
        assert_eq!(selection(&[]), ["engine::models::"]);
        assert_eq!(selection(&["--show-output"]), ["engine::models::"]);
        assert_eq!(selection(&["near::", "--show-output"]), ["--skip", "::tests::"]);
    }
}
