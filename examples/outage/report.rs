//! The table at the end.

use std::time::Duration;

use cache_aside_examples::figures::shown;

use crate::record::{Record, Span};
use crate::traffic::Verdict;

/// Prints a line for each phase.
pub(crate) fn print(record: &Record) {
    println!(
        "\n{:<12}{:>8}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}{:>7}{:>7}{:>11}{:>8}{:>5}{:>10}{:>10}",
        "",
        "reads",
        "p50",
        "p99",
        "max",
        "near",
        "remote",
        "loaded",
        "loads",
        "edits",
        "worst edit",
        "errors",
        "old",
        "given up",
        "in use"
    );
    for span in &record.spans {
        line(record, *span);
    }
    println!(
        "Old: answers from before an edit that was acknowledged. Given up: how long after it was away; \
         in use:\nhow long after it answered again."
    );
}

fn line(record: &Record, span: Span) {
    let window = span.whole();
    let (reads, edits) = (record.reads(&window), record.edits(&window));
    let [near, remote, loaded] =
        record.shares(&window).map(|share| format!("{:.1}%", 100.0 * share));
    println!(
        "{:<12}{:>8}{:>9}{:>9}{:>9}{near:>8}{remote:>8}{loaded:>8}{:>7}{:>7}{:>11}{:>8}{:>5}{:>10}{:>10}",
        span.phase.name(),
        reads.count(),
        shown(reads.percentile(50)),
        shown(reads.percentile(99)),
        shown(reads.max()),
        record.loads(&window).count(),
        edits.count(),
        shown(edits.max()),
        record.count(&window, Verdict::Error),
        record.count(&window, Verdict::Old),
        after(span.phase.is_outage(), record.given_up(span)),
        after(span.phase.is_return(), record.used_again(span)),
    );
}

/// Writes when something happened, if it was to happen.
fn after(is_expected: bool, time: Option<Duration>) -> String {
    match time {
        _ if !is_expected => String::new(),
        Some(time) => shown(time),
        None => "never".to_owned(),
    }
}
