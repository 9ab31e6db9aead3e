//! What `Stats` and `Health` say, and under which names.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty};
use cache_aside::{CallOptions, Outcome, Warmups};
use serde_json::Value;

use crate::common::{Source, builder, memory, near_only, timed};

#[tokio::test]
async fn every_tier_of_an_entity_is_counted_apart_and_the_entity_is_their_sum() {
    let (cache, source) = (near_only(), Source::default());
    let key = |user: u32| cache.key("profile").user(user);
    let keys = [key(1), key(1).tier("free"), key(2).tier("free"), key(1).tier("studio")];

    for key in keys.iter().chain(&keys[1..]) {
        cache.get_or_load(key, || source.load()).await.unwrap();
    }

    let stats = cache.stats();
    let tiers = &stats.tiers["profile"];
    let calls = tiers.iter().map(|(tier, one)| (tier.as_str(), one.near_hits, one.loads));
    assert_eq!(calls.collect::<Vec<_>>(), [("-", 0, 1), ("free", 2, 2), ("studio", 1, 1)]);
    let sum = stats.entities["profile"];
    assert_eq!((sum.near_hits, sum.loads, sum.calls()), (3, 4, 7));
    assert_eq!(stats.total(), sum);
}

#[tokio::test]
async fn what_loads_and_stored_values_cost_is_counted() {
    let (clock, builder) = timed();
    let cache = builder.remote(memory()).build().unwrap();
    let key = cache.key("profile").tier("free");
    let slow = || async {
        clock.advance(Duration::from_millis(30));
        Ok::<_, Infallible>("x".repeat(1000))
    };
    let failing = || async {
        clock.advance(Duration::from_millis(12));
        Err::<String, _>("no")
    };

    cache.get_or_load(&key, slow).await.unwrap();
    cache.get_or_load(&cache.key("profile").tier("free").arg(2), failing).await.unwrap_err();

    let stats = cache.stats();
    let line = stats.tiers["profile"]["free"];
    assert_eq!((line.loads, line.load_us, line.failed), (2, 42_000, 1));
    assert!(line.payload_bytes >= 1000 && line.stored_bytes >= 1000, "{line:?}");
    assert_eq!((stats.payload_bytes, stats.stored_bytes), (line.payload_bytes, line.stored_bytes));
}

#[tokio::test]
async fn a_fenced_fill_is_counted_where_it_was_fenced() {
    let cache = builder().remote(memory()).build().unwrap();
    let key = cache.key("profile").tier("free");
    let load = || async {
        cache.invalidate(&key).await.unwrap();
        Ok::<_, Infallible>(1)
    };

    cache.get_or_load(&key, load).await.unwrap();

    let stats = cache.stats();
    assert_eq!((stats.fenced_fills, stats.tiers["profile"]["free"].fenced_fills), (1, 1));
}

/// An error of the cache is not a miss: the call says that it was loaded, the error stands apart.
#[tokio::test]
async fn errors_of_the_remote_level_are_counted_by_kind() {
    let remote = Faulty::new(memory());
    remote.set_fault(Fault::Fail);
    let cache = builder().remote(remote.clone()).build().unwrap();
    let options = CallOptions::table();

    let answer = cache.fetch(&cache.key("a"), &options, || async { Ok::<_, Infallible>(1) }).await;

    assert_eq!(answer.unwrap().outcome, Outcome::Loaded);
    let stats = cache.stats();
    assert_eq!((stats.remote_errors, stats.remote_timeouts), (1, 0));
    let kinds = stats.remote_errors_by_kind;
    assert_eq!(kinds.values().sum::<u64>(), 1, "{kinds:?}");
    assert_eq!(kinds["backend"], 1);
    assert_eq!(stats.entities["a"].missed, 0);
}

/// Returns the paths of all fields, `owner.field`.
fn names(value: &Value, path: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                names(value, &format!("{path}.{name}"), into);
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| names(item, &format!("{path}[]"), into));
        }
        _ => into.push(path.trim_start_matches('.').to_owned()),
    }
}

/// Dashboards read these: a name that changes breaks them.
#[tokio::test]
async fn the_names_in_the_json_of_stats_and_health_do_not_change() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    cache.set(&cache.key("profile").tier("free"), Arc::new(1)).await.unwrap();
    let load = |_: usize| async { Ok::<_, Infallible>(1) };
    Warmups::new().add("list", move |cache| cache.warm([], load)).start(&cache).done().await;

    let mut found = Vec::new();
    names(&serde_json::to_value(cache.stats()).unwrap(), "stats", &mut found);
    names(&serde_json::to_value(cache.health().await).unwrap(), "health", &mut found);

    let golden: Vec<_> = include_str!("names.txt").lines().collect();
    assert_eq!(found, golden, "{}", found.join("\n"));
}
