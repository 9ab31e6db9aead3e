//! P6 with a codec that names its fields.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use cache_aside::codec::Json;
use cache_aside::{Cache, CallOptions, ErrorKind, Key, MemoryBackend, Outcome, Value};
use serde::{Deserialize, Serialize};

use crate::bytes::stored;
use crate::common::{builder, memory};

/// An instance that always reads from the remote level, which holds JSON.
fn instance(remote: &MemoryBackend) -> Cache {
    builder().remote(remote.clone()).codec(Json).build().unwrap()
}

/// Asks for `value`, and tells the flaws that this counted.
async fn load<V: Value + Clone + PartialEq>(
    cache: &Cache,
    key: &Key,
    value: &V,
) -> (Outcome, Vec<&'static str>) {
    let before = cache.stats().flaws;
    let loader = || async { Ok::<_, Infallible>(value.clone()) };
    let answer = cache.fetch(key, &CallOptions::table(), loader).await.unwrap();
    assert!(*answer.value == *value);
    let after = cache.stats().flaws;
    let causes = after.iter().filter(|(cause, count)| before[*cause] < **count);
    (answer.outcome, causes.map(|(cause, _)| *cause).collect())
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind")]
enum Event {
    Renamed { to: String },
    Moved(BTreeMap<String, serde_json::Value>),
}

#[tokio::test]
async fn a_type_that_needs_names_is_stored_as_json_and_refused_by_position() {
    let remote = memory();
    let (by_name, by_place) =
        (instance(&remote), builder().remote(remote.clone()).build().unwrap());
    let key = by_name.key("event");
    let events = [
        Event::Renamed { to: "Ada".into() },
        Event::Moved([("to".to_owned(), serde_json::json!([1, null, {"a": 0.1}]))].into()),
    ];

    for event in events {
        by_name.set(&key, Arc::new(event.clone())).await.unwrap();
        assert_eq!(*instance(&remote).get::<Event>(&key).await.unwrap().unwrap(), event);

        let error = by_place.set(&key, Arc::new(event)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let text = error.to_string();
        assert!(
            text.contains("codecs::Event") && text.contains("`Json` (feature `json`)"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_entry_of_another_codec_is_a_miss() {
    let remote = memory();
    let (by_name, by_place) =
        (instance(&remote), builder().remote(remote.clone()).build().unwrap());
    let key = by_name.key("number");

    assert_eq!(load(&by_place, &key, &7).await, (Outcome::Loaded, vec![]));
    assert_eq!(load(&by_name, &key, &7).await, (Outcome::Loaded, vec!["codec"]));
    assert_eq!(load(&by_name, &key, &7).await, (Outcome::RemoteHit, vec![]));
    assert_eq!(load(&by_place, &key, &7).await, (Outcome::Loaded, vec!["codec"]));
}

/// A renamed field that may be missing would be read as missing.
#[tokio::test]
async fn a_type_whose_shape_can_be_seen_is_a_miss_when_it_changes_with_json_too() {
    let remote = memory();
    let (cache, key) = (instance(&remote), instance(&remote).key("profile"));
    {
        #[derive(Clone, Deserialize, PartialEq, Serialize)]
        struct Profile {
            name: Option<String>,
        }
        let ada = Profile { name: Some("Ada".into()) };
        assert_eq!(load(&cache, &key, &ada).await, (Outcome::Loaded, vec![]));
    }
    {
        #[derive(Clone, Deserialize, PartialEq, Serialize)]
        struct Profile {
            full_name: Option<String>,
        }
        let ada = Profile { full_name: Some("Ada".into()) };
        assert_eq!(load(&cache, &key, &ada).await, (Outcome::Loaded, vec!["schema"]));
        assert_eq!(load(&cache, &key, &ada).await, (Outcome::RemoteHit, vec![]));
    }
}

/// Types of one function have one name, so that these stand for one type before and after a change.
#[tokio::test]
async fn a_type_whose_shape_cannot_be_seen_is_read_by_its_names() {
    let remote = memory();
    let (cache, key) = (instance(&remote), instance(&remote).key("profile"));
    {
        #[derive(Clone, Deserialize, PartialEq, Serialize)]
        struct Profile {
            name: String,
            mail: String,
            #[serde(flatten)]
            more: BTreeMap<String, u8>,
        }
        let (name, mail) = ("Ada".into(), "ada@example.com".into());
        let ada = Profile { name, mail, more: [("age".to_owned(), 36)].into() };
        assert_eq!(load(&cache, &key, &ada).await, (Outcome::Loaded, vec![]));
    }
    {
        #[derive(Clone, Deserialize, PartialEq, Serialize)]
        struct Profile {
            mail: String,
            name: String,
            #[serde(flatten)]
            more: BTreeMap<String, u8>,
        }
        let (name, mail) = ("Ada".into(), "ada@example.com".into());
        let ada = Profile { name, mail, more: [("age".to_owned(), 36)].into() };
        assert_eq!(load(&cache, &key, &ada).await, (Outcome::RemoteHit, vec![]));
    }
    {
        #[derive(Clone, Deserialize, PartialEq, Serialize)]
        struct Profile {
            name: String,
            mail: String,
            town: String,
            #[serde(flatten)]
            more: BTreeMap<String, u8>,
        }
        let (name, mail) = ("Ada".into(), "ada@example.com".into());
        let ada = Profile { name, mail, town: "London".into(), more: BTreeMap::new() };
        assert_eq!(load(&cache, &key, &ada).await, (Outcome::Loaded, vec!["payload"]));
        assert_eq!(load(&cache, &key, &ada).await, (Outcome::RemoteHit, vec![]));
    }
}

#[tokio::test]
async fn a_value_that_json_cannot_hold_is_served_and_not_stored() {
    let remote = memory();
    let (cache, key) = (instance(&remote), instance(&remote).key("ratio"));
    let loader = || async { Ok::<_, Infallible>(vec![1.0, f64::NAN]) };

    for count in 1..=2 {
        let value = cache.get_or_load(&key, loader).await.unwrap();
        assert!(value[1].is_nan());
        assert_eq!(cache.stats().values_unsupported, count);
    }

    assert_eq!(load(&cache, &key, &vec![0.1 + 0.2]).await, (Outcome::Loaded, vec![]));
    assert_eq!(load(&cache, &key, &vec![0.1 + 0.2]).await, (Outcome::RemoteHit, vec![]));
    assert!(stored(&remote, &key).await.ends_with(b"[0.30000000000000004]"));
}
