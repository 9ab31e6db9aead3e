//! The table at the end.

use std::time::Duration;

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
        reads.len(),
        shown(reads.percentile(50)),
        shown(reads.percentile(99)),
        shown(reads.max()),
        record.loads(&window).len(),
        edits.len(),
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

/// Writes a duration in the unit that suits it.
pub(crate) fn shown(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..10.0 => format!("{micros:.1} µs"),
        ..1_000.0 => format!("{micros:.0} µs"),
        ..1_000_000.0 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

/// Writes a number with its thousands apart.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}
