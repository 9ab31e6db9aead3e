//! What is logged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cache_aside::{CallOptions, Outcome};

use super::scribe::{Entry, Scribe};
use super::{page, scene};
use crate::common::{Source, near_only};

async fn play() -> Vec<Entry> {
    let scribe = Scribe::default();
    let _guard = tracing::subscriber::set_default(scribe.clone());
    let cache = scene::play(|builder| builder).await;
    scene::close(&cache).await;
    scribe.entries()
}

#[tokio::test]
async fn what_is_logged_is_in_the_page_with_its_level_and_fields() {
    let entries = play().await;
    let rows = page::table("Logs");

    for entry in &entries {
        let row = rows.iter().find(|row| page::name(row[0]) == entry.name);
        let row = row.unwrap_or_else(|| panic!("the page lacks {entry:?}"));
        assert_eq!(row[1], entry.level.as_str().to_lowercase(), "{}", entry.name);
        assert_eq!(page::names(row[2]), entry.fields, "{}", entry.name);
        assert_eq!(entry.target, "cache_aside", "{}", entry.name);
    }
    // Another server needs another server.
    let of_core = rows
        .iter()
        .map(|row| page::name(row[0]))
        .filter(|name| name.starts_with("cache.") && *name != "cache.server_changed");
    let logged: BTreeSet<_> = entries.iter().map(|entry| entry.name).collect();
    assert_eq!(of_core.collect::<BTreeSet<_>>(), logged);
}

#[tokio::test]
async fn nothing_that_is_logged_holds_a_key_or_a_user() {
    for entry in play().await {
        for (field, value) in &entry.values {
            assert!(!value.contains(scene::SECRET), "{} {field}: {value}", entry.name);
        }
    }
}

#[tokio::test]
async fn each_load_has_a_span_and_a_near_hit_logs_nothing() {
    let (cache, source) = (near_only(), Source::default());
    let (key, options) = (cache.key("profile").tier("free"), CallOptions::table());
    let scribe = Scribe::default();
    let _guard = tracing::subscriber::set_default(scribe.clone());

    cache.fetch(&key, &options, || source.load()).await.unwrap();
    let entries = scribe.entries();
    let hit = cache.fetch(&key, &options, || source.load()).await.unwrap();

    let names: Vec<_> = entries.iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["cache.load", "cache.answered"]);
    let values: Vec<_> = entries[0].values.iter().map(|(name, value)| (*name, &**value)).collect();
    let expected = [("entity", "\"profile\""), ("refresh", "false"), ("tier", "\"free\"")];
    assert_eq!(values, expected);
    assert_eq!(entries[1].values["outcome"], "\"loaded\"");
    assert_eq!((hit.outcome, scribe.entries().len()), (Outcome::NearHit, 2));
}

/// Events that this machine cannot make happen are compared by their names.
#[test]
fn every_log_in_the_sources_has_a_name_that_is_in_the_page() {
    let mut found = BTreeSet::new();
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        for level in ["debug", "info", "warn", "error"] {
            for call in text.split(&format!("tracing::{level}!(")).skip(1) {
                let name = call.trim_start().strip_prefix("name: \"");
                let name = name.unwrap_or_else(|| panic!("a log without a name: {file:?}"));
                found.insert(name.split('"').next().unwrap().to_owned());
            }
        }
    }

    let rows = page::table("Logs");
    let named: BTreeSet<_> = rows.iter().map(|row| page::name(row[0]).to_owned()).collect();
    found.insert("cache.load".to_owned());
    assert_eq!(found, named);
}

/// Returns the sources of the library, its tests apart.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<_> =
        ["cache-core", "cache-memory", "cache-redis"].map(|it| root.join(it).join("src")).into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}
