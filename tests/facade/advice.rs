//! What a cache says of settings that are known to go wrong.

use std::time::Duration;

use cache_aside::{Advice, Cache, CacheBuilder, RedisBackend, Settings, TtlTable};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{Source, memory, on_every_server, until};

const PAGE: &str = include_str!("../../docs/advice.md");

fn builder(namespace: &str) -> CacheBuilder {
    let table = TtlTable::from_toml("default = '1m'").unwrap();
    Cache::builder(namespace).ttl_table(table).near(memory())
}

fn codes(cache: &Cache) -> Vec<&'static str> {
    cache.advice().into_iter().map(|advice| advice.code).collect()
}

#[test]
fn every_code_has_its_section_in_the_page_and_no_other_has() {
    let sections: Vec<_> = PAGE.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let codes = Advice::CODES.map(|code| format!("`{code}`"));

    assert_eq!(sections, codes);
}

#[tokio::test]
async fn a_cache_says_what_is_wrong_with_how_it_was_built() {
    let right = builder("atlas").remote(memory()).build().unwrap();
    assert_eq!(codes(&right), [""; 0]);

    let mut settings = Settings::default();
    settings.wait = Duration::from_secs(60);
    settings.advice = false;
    let wrong = Cache::builder("atlas").near(memory()).remote(memory()).settings(settings);

    // It is not logged, and can be asked for.
    assert_eq!(codes(&wrong.build().unwrap()), ["ttl_table_empty", "wait_long"]);
}

#[test]
fn advice_is_data() {
    let redis = RedisBackend::new("redis://127.0.0.1:1").unwrap();
    let advice = Cache::builder("test").remote(redis).build().unwrap().advice();

    let codes: Vec<_> = advice.iter().map(|advice| advice.code).collect();
    assert_eq!(codes, ["ttl_table_empty", "namespace_common", "remote_without_near"]);
    assert!(advice.iter().all(|advice| !advice.text.is_empty()));
}

/// What only the server can tell is there when it was asked for something, and is that of the server
/// that answers now.
async fn a_server_that_is_set_up_wrongly_is_told_of(server: Server) {
    let cache_of = async || {
        let redis = RedisBackend::new(&server.url()).unwrap();
        let cache = builder("atlas").remote(redis).build().unwrap();
        assert_eq!(codes(&cache), [""; 0], "it was not asked yet");
        let (key, source) = (cache.key("profile"), Source::default());
        until("the greeting", async || {
            cache.get_or_load(&key, || source.load()).await.unwrap();
            cache.health().await.is_complete() && server.cli(&["EXISTS", key.as_str()]) == "1"
        })
        .await;
        codes(&cache)
    };
    assert_eq!(cache_of().await, [""; 0]);
    server.cli(&["CONFIG", "SET", "maxmemory", "100mb"]);
    for (policy, expected) in [
        ("noeviction", vec!["maxmemory_noeviction"]),
        ("volatile-ttl", vec!["maxmemory_volatile_ttl"]),
        ("allkeys-lru", vec![]),
    ] {
        server.cli(&["CONFIG", "SET", "maxmemory-policy", policy]);
        assert_eq!(cache_of().await, expected, "{policy}");
    }
}

on_every_server! { a_server_that_is_set_up_wrongly_is_told_of }
