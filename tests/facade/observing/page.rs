//! The tables of `docs/observability.md`.

const PAGE: &str = include_str!("../../../docs/observability.md");

/// Returns the rows under a heading, cell by cell.
pub(super) fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Returns what stands between backticks, in order.
pub(super) fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Returns the one name of a cell.
pub(super) fn name(cell: &str) -> &str {
    cell.trim_matches('`')
}
