//! Runs the examples that need nothing and end by themselves.

use crate::cargo::cargo;
use crate::shell;

/// Those that check what they show.
const CHECKED: [&str; 4] = ["codec", "observe", "policies", "writes"];

/// Runs each; the first that fails ends the run.
pub(crate) fn run() -> Result<(), String> {
    let run = |name: &str| shell::run(&mut cargo(&["run", "--quiet", "--example", name]));
    CHECKED.into_iter().try_for_each(run)
}
