//! What the recorder of the crate `metrics` is told.

use std::collections::BTreeMap;

use cache_aside::{Cache, MetricsObserver};
use metrics::{LocalRecorderGuard, Unit};

use super::ledger::Ledger;
use super::{page, scene};

/// Plays the scene under a recorder, which stays in place as long as the guard.
async fn play(ledger: &Ledger) -> (Cache, LocalRecorderGuard<'_>) {
    let guard = metrics::set_default_local_recorder(ledger);
    let cache = scene::play(|builder| builder.observer(MetricsObserver::new())).await;
    cache.record_gauges();
    (cache, guard)
}

#[tokio::test]
async fn every_metric_is_in_the_page_with_its_labels_and_there_are_no_others() {
    let ledger = Ledger::default();
    let _guard = play(&ledger).await;
    let rows = page::table("Metrics");

    let described = ledger.described();
    let kinds: BTreeMap<_, _> = rows.iter().map(|row| (page::name(row[0]), row[1])).collect();
    let expected = described.iter().map(|(name, (kind, _))| (name.as_str(), *kind)).collect();
    assert_eq!(kinds, expected);
    assert_eq!(kinds.len(), rows.len(), "a name stands there twice");
    for (name, labels) in ledger.series() {
        let row = rows.iter().find(|row| page::name(row[0]) == name);
        let row = row.unwrap_or_else(|| panic!("{name} is not described"));
        let labels: Vec<_> = labels.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(page::names(row[2]), labels, "{name}");
    }
}

#[tokio::test]
async fn names_say_their_unit() {
    let ledger = Ledger::default();
    let _guard = play(&ledger).await;

    for (name, (kind, unit)) in ledger.described() {
        let name = name.strip_prefix("cache_").unwrap();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        let name = name.trim_end_matches("_total");
        assert_eq!(name.ends_with("_seconds"), unit == Some(Unit::Seconds), "{name}");
        assert_eq!(name.ends_with("_bytes"), unit == Some(Unit::Bytes), "{name}");
    }
}

#[tokio::test]
async fn metrics_say_what_stats_say() {
    let ledger = Ledger::default();
    let (cache, _guard) = play(&ledger).await;

    let stats = cache.stats();
    for (entity, tiers) in &stats.tiers {
        for (tier, one) in tiers {
            let line = [("entity", entity.as_str()), ("tier", tier)];
            let sum = |name: &str, rest: &[_]| ledger.sum(name, &[&line[..], rest].concat());
            let answers = |outcome| sum("cache_answers_total", &[("outcome", outcome)]);
            assert_eq!(sum("cache_answers_total", &[]), one.calls(), "{entity} {tier}");
            assert_eq!(answers("near_hit"), one.near_hits, "{entity} {tier}");
            assert_eq!(answers("stale"), one.stale, "{entity} {tier}");
            assert_eq!(answers("failed"), one.failed, "{entity} {tier}");
            assert_eq!(answers("missed"), one.missed, "{entity} {tier}");
            assert_eq!(sum("cache_loads_total", &[]), one.loads, "{entity} {tier}");
            assert_eq!(sum("cache_load_duration_seconds", &[]), one.loads, "{entity} {tier}");
            let refreshes = sum("cache_loads_total", &[("kind", "refresh"), ("outcome", "failed")]);
            assert_eq!(refreshes, one.refreshes_failed, "{entity} {tier}");
            assert_eq!(sum("cache_payload_bytes_total", &[]), one.payload_bytes);
        }
    }
    let sum = |name, labels: &[_]| ledger.sum(name, labels);
    assert!(stats.total().near_hits > 0 && stats.total().refreshes_failed > 0, "{stats:?}");
    let errors = stats.remote_errors + stats.remote_timeouts;
    assert_eq!(sum("cache_remote_errors_total", &[]), errors);
    assert_eq!(sum("cache_remote_errors_total", &[("kind", "backend")]), stats.remote_errors);
    assert_eq!(sum("cache_flaws_total", &[("cause", "schema")]), stats.flaws["schema"]);
    assert_eq!(sum("cache_values_refused_total", &[]), stats.values_unsupported);
    assert_eq!(sum("cache_journal_overflows_total", &[]), stats.journal_overflows);
    assert_eq!(sum("cache_remote_downs_total", &[]), stats.breaker_openings);
    for positive in [errors, stats.flaws["schema"], stats.values_unsupported] {
        assert!(positive > 0, "{stats:?}");
    }
}

#[tokio::test]
async fn gauges_are_what_was_read_last() {
    let ledger = Ledger::default();
    let (cache, _guard) = play(&ledger).await;

    let stats = cache.stats();
    assert_eq!(ledger.sum("cache_remote_up", &[]), 1);
    assert_eq!(ledger.sum("cache_near_entries", &[]), stats.near.entries);
    assert_eq!(ledger.sum("cache_near_bytes", &[]), stats.near.bytes);
    cache.close().await;
    cache.record_gauges();
    assert_eq!(ledger.sum("cache_remote_up", &[]), 0);
}

#[tokio::test]
async fn no_label_holds_a_key_or_a_user() {
    let ledger = Ledger::default();
    let (cache, _guard) = play(&ledger).await;
    scene::close(&cache).await;

    let values = |(_, labels): (_, super::ledger::Labels)| labels.into_iter().map(|label| label.1);
    let values: Vec<String> = ledger.series().into_iter().flat_map(values).collect();
    assert!(values.iter().any(|value| value == "profile"));
    assert!(values.iter().all(|value| !value.contains(scene::SECRET)), "{values:?}");
}
