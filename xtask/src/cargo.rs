//! The cargo that runs us.

use std::env;
use std::process::Command;

/// Returns a command of the same toolchain as ours.
pub(crate) fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words);
    command
}
