//! What is said at the end.

use std::process::ExitCode;

use crate::reading::Reading;
use crate::tally::Tally;
use crate::thirds;
use crate::watch::Left;

/// Prints what was counted and read; a failure if anything grew, was wrong or was left.
pub(crate) fn print(tally: &Tally, readings: &[Reading], left: Left) -> ExitCode {
    let grown = thirds::judge(readings);
    let (errors, old) = (tally.errors.read(), tally.old.read());
    println!(
        "\n{} calls, {} of them cancelled; {} edits acknowledged, {} refused; {} instances replaced.",
        tally.calls.read(),
        tally.cancelled.read(),
        tally.edits.read(),
        tally.refused.read(),
        tally.instances.read(),
    );
    println!("Errors seen by callers who read: {errors}");
    println!("Old values after an acknowledged edit: {old}");
    println!(
        "Invalidations left by instances that were closed in an outage: {}",
        tally.left_at_close.read()
    );
    let Left { tasks, connections, loads, owed } = left;
    println!(
        "Left at the end: {tasks} tasks, {connections} connections, {loads} loads, {owed} \
         invalidations"
    );
    if !grown.is_empty() {
        println!("Growing: {}", grown.join(", "));
    }
    let is_good = grown.is_empty() && left.is_nothing() && errors == 0 && old == 0;
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
