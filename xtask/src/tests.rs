//! Runs all tests.

use std::io::{self, IsTerminal};
use std::process::Command;

use crate::cargo::cargo;
use crate::not_run::NotRun;
use crate::outcome::Outcome;
use crate::shell::{self, Stream};
use crate::totals::{Runner, Totals};
use crate::{docker, image, servers};

/// Gets the servers and runs the tests, or with arguments those that they select.
pub(crate) fn run(arguments: &[&str]) -> Result<Outcome, String> {
    let engine_answers = docker::answers();
    servers::provide(engine_answers);
    let image = if engine_answers { image::choose() } else { None };
    let not_run = NotRun::new()?;
    let mut totals = Totals::default();
    let mut passed = true;
    for (runner, mut command) in commands(engine_answers, arguments) {
        command.env(NotRun::VARIABLE, not_run.file());
        command.envs(image.iter().map(|image| ("CACHE_ASIDE_TEST_IMAGE", image)));
        let read = |line: &str| totals.read(runner, line);
        passed &= shell::run_reading(&mut command, stream_of(runner), read)?;
    }
    totals.skip(not_run.report()?);
    if totals.ignored > 0 {
        println!("\n{} tests are ignored or were filtered out", totals.ignored);
    }
    Ok(Outcome { passed: passed && !(crate::in_ci() && totals.skipped > 0), totals })
}

/// Returns where a runner prints its summary.
fn stream_of(runner: Runner) -> Stream {
    match runner {
        Runner::Cargo => Stream::Output,
        Runner::Nextest => Stream::Error,
    }
}

/// Returns what to run: everything, or without doc tests what the arguments select.
fn commands(engine_answers: bool, arguments: &[&str]) -> Vec<(Runner, Command)> {
    const NEXTEST: &[&str] = &["nextest", "run", "--no-fail-fast", "--no-tests=pass"];
    const TEST: &[&str] = &["test", "--tests", "--no-fail-fast"];
    const DOC: &[&str] = &["test", "--doc", "--no-fail-fast"];
    let mut runs = match shell::find("cargo-nextest") {
        Some(_) => vec![(Runner::Nextest, NEXTEST)],
        None => vec![(Runner::Cargo, TEST)],
    };
    if arguments.is_empty() {
        runs.push((Runner::Cargo, DOC));
    }
    let mut commands = Vec::new();
    for (runner, words) in runs {
        for selection in selections(engine_answers) {
            commands.push((runner, command(&[words, selection, arguments].concat())));
        }
    }
    commands
}

fn command(words: &[&str]) -> Command {
    let mut command = cargo(words);
    if io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Selects everything; without an engine the crates for containers are not even built.
fn selections(engine_answers: bool) -> &'static [&'static [&'static str]] {
    if engine_answers {
        return &[&["--workspace", "--all-features"]];
    }
    &[
        &["--workspace", "--all-features", "--exclude", "cache-test-servers"],
        &["--package", "cache-test-servers"],
    ]
}
