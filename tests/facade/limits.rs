//! What `docs/limits.md` says is so.

use cache_aside::{Closed, EntityStats, Settings, Stats};

use crate::common::{builder, memory};

const PAGE: &str = include_str!("../../docs/limits.md");

/// Returns the names and values that `Debug` shows of a flat struct.
fn fields(debug: &str) -> impl Iterator<Item = (&str, &str)> {
    let inner = debug.split_once("{ ").and_then(|(_, rest)| rest.strip_suffix(" }"));
    inner.unwrap_or_default().split(", ").filter_map(|field| field.split_once(": "))
}

/// Returns what the page calls `owner::…`.
fn named(owner: &str) -> impl Iterator<Item = &'static str> {
    let names = PAGE.split('`').filter_map(move |code| code.strip_prefix(owner));
    names.filter_map(|name| name.strip_prefix("::"))
}

#[test]
fn every_setting_is_in_the_page_with_its_default() {
    let plain = PAGE.replace(',', "");
    let settings = format!("{:?}", Settings::default());
    let settings: Vec<_> = fields(&settings).collect();
    assert!(settings.len() > 15, "{settings:?}");

    let bounds_nothing = ["advice", "invalidate_policy"];
    for (name, value) in settings.into_iter().filter(|(name, _)| !bounds_nothing.contains(name)) {
        let value = if value == "None" { "none" } else { value };
        let row = format!("| `{name}` | {value} |");
        assert!(plain.contains(&row), "the page lacks: {row}");
    }
}

#[tokio::test]
async fn every_counter_in_the_page_exists() {
    let health = builder().remote(memory()).build().unwrap().health().await;
    for (owner, shown) in [
        ("Closed", format!("{:?}", Closed::default())),
        ("EntityStats", format!("{:?}", EntityStats::default())),
        ("RemoteHealth", format!("{:?}", health.remote.unwrap())),
        ("Stats", format!("{:?}", Stats::default())),
    ] {
        assert!(named(owner).count() > 0, "{owner}");
        for name in named(owner) {
            assert!(shown.contains(&format!("{name}: ")), "there is no {owner}::{name}");
        }
    }
}

/// What is in these counters has reached a bound.
#[test]
fn every_counter_of_a_bound_is_in_the_page() {
    for name in [
        "breaker_openings",
        "journal_depth",
        "journal_overflows",
        "keys_too_long",
        "leases_left",
        "loads_over_limit",
        "loads_queued",
        "nones_over_limit",
        "remote_timeouts",
        "ttls_unknown",
        "values_too_large",
        "values_unsupported",
        "waits_given_up",
    ] {
        assert!(named("Stats").any(|named| named == name), "{name}");
    }
}

#[test]
fn every_line_of_a_table_has_all_its_cells() {
    let mut cells = 0;
    for line in PAGE.lines() {
        let is_row = line.starts_with('|');
        let here = line.matches('|').count();
        assert!(!is_row || cells == 0 || here == cells, "{line}");
        cells = if is_row { here } else { 0 };
        assert!(!line.contains("| |"), "an empty cell: {line}");
    }
}
