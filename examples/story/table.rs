//! The figures as text: for the terminal, and for the page.

use std::time::Duration;

use cache_aside_examples::figures::{grouped, shown};

use crate::figures::Figures;
use crate::step::Step;

const COLUMNS: [&str; 12] = [
    "",
    "",
    "queries",
    "at once",
    "p50",
    "p99",
    "errors",
    "old",
    "for up to",
    "owed",
    "for up to",
    "stale",
];

fn cells(it: &Figures) -> [String; 12] {
    [
        (it.step as usize).to_string(),
        it.step.name().to_owned(),
        grouped(it.queries),
        grouped(it.at_once),
        shown(it.p50),
        shown(it.p99),
        grouped(it.errors),
        grouped(it.old),
        time(it.old, it.old_for),
        grouped(it.owed),
        time(it.owed, it.owed_for),
        grouped(it.stale),
    ]
}

/// Writes how long some answers were old, if there were any.
fn time(count: usize, time: Duration) -> String {
    if count == 0 { String::new() } else { shown(time) }
}

/// Prints the names of the columns.
pub(crate) fn print_head() {
    print(&COLUMNS.map(str::to_owned));
}

/// Prints the line of one step.
pub(crate) fn print_line(figures: &Figures) {
    print(&cells(figures));
}

fn print([number, name, rest @ ..]: &[String; 12]) {
    let rest: String = rest.iter().map(|cell| format!("{cell:>10}")).collect();
    println!("{number:<3}{name:<17}{rest}");
}

/// Returns all steps as a table of the page.
pub(crate) fn whole(figures: &[Figures]) -> String {
    markdown(figures.iter())
}

/// Returns a step and the one before it.
pub(crate) fn step(figures: &[Figures], step: Step) -> String {
    let here = step as usize;
    markdown(figures[here.saturating_sub(1)..=here].iter())
}

fn markdown<'a>(figures: impl Iterator<Item = &'a Figures>) -> String {
    let rule = ["---:", "---"].into_iter().chain(["---:"; 10]).collect::<Vec<_>>().join(" | ");
    let head = format!("| {} |\n| {rule} |", COLUMNS.join(" | "));
    figures.fold(head, |text, it| format!("{text}\n| {} |", cells(it).join(" | "))) + "\n"
}
