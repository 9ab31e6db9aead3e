//! The dashboard asks for what there is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::page;

const DASHBOARD: &str = include_str!("../../../docs/grafana/cache-aside.json");

/// What Prometheus adds to a series: the bounds of buckets, and where it was scraped.
const OF_PROMETHEUS: [&str; 2] = ["instance", "le"];

/// Returns all queries: of panels and of variables.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries = targets.map(|target| target["expr"].as_str().unwrap().to_owned());
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let asked = variables.filter(|variable| variable["type"] == "query");
    queries.chain(asked.map(|it| it["query"].as_str().unwrap().to_owned())).collect()
}

/// Returns the words of a query that are not in quotes.
fn words(query: &str) -> Vec<&str> {
    let bare = query.split('"').step_by(2);
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "_$".contains(letter);
    bare.flat_map(|part| part.split(move |it| !is_word(it))).filter(|it| !it.is_empty()).collect()
}

/// Returns the name without what Prometheus adds to that of a histogram.
fn plain(name: &str) -> &str {
    let ends = ["_bucket", "_count", "_sum"];
    ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

#[test]
fn every_name_and_label_in_the_dashboard_is_in_the_table_of_metrics() {
    let rows = page::table("Metrics");
    let known: BTreeMap<_, _> =
        rows.iter().map(|row| (page::name(row[0]), page::names(row[2]))).collect();
    let language = [
        "by",
        "sum",
        "min",
        "max",
        "rate",
        "increase",
        "histogram_quantile",
        "label_values",
        "$__rate_interval",
    ];

    for query in queries() {
        let words = words(&query);
        let (metrics, rest): (Vec<_>, Vec<_>) =
            words.into_iter().partition(|word| word.starts_with("cache_"));
        assert!(!metrics.is_empty(), "{query}");
        let mut labels: BTreeSet<&str> = OF_PROMETHEUS.into();
        for metric in metrics {
            let known = known.get(plain(metric));
            labels.extend(known.unwrap_or_else(|| panic!("{metric} does not exist: {query}")));
        }
        let is_label = |word: &&str| !language.contains(word) && word.parse::<f64>().is_err();
        for label in rest.into_iter().filter(is_label) {
            assert!(labels.contains(label), "{label} is no label: {query}");
        }
    }
}

#[test]
fn values_of_labels_in_the_dashboard_exist() {
    let outcomes = cache_aside::Outcome::ALL.map(cache_aside::Outcome::as_str);
    let kinds = cache_aside::LoadKind::ALL.map(cache_aside::LoadKind::as_str);
    let known: BTreeSet<&str> = outcomes.into_iter().chain(kinds).chain(["failed"]).collect();

    for query in queries() {
        for value in query.split('"').skip(1).step_by(2).filter(|it| !it.starts_with('$')) {
            let unknown = value.split('|').find(|value| !known.contains(value));
            assert_eq!(unknown, None, "{query}");
        }
    }
}

#[test]
fn panels_stand_side_by_side_and_have_their_own_numbers() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();

    let places: BTreeSet<_> = panels.iter().map(|panel| panel["gridPos"].to_string()).collect();
    let numbers: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();

    assert!(panels.len() >= 12);
    assert_eq!((places.len(), numbers.len()), (panels.len(), panels.len()));
}
