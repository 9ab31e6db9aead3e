//! P6: stored bytes are never misread.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cache_aside::backend::{SetMode, SetOptions, SetOutcome, Slot};
use cache_aside::{Backend, Cache, CallOptions, Key, MemoryBackend, Outcome};
use serde::{Deserialize, Serialize};

use crate::common::{Source, builder, memory};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Profile {
    name: String,
    mail: String,
}

/// As `Profile` after a careless deploy: two fields of one type have changed places.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename = "Profile")]
struct Swapped {
    mail: String,
    name: String,
}

fn ada() -> Profile {
    Profile { name: "Ada".into(), mail: "ada@example.com".into() }
}

/// An instance that always reads from the remote level.
fn instance(remote: &MemoryBackend) -> Cache {
    builder().remote(remote.clone()).build().unwrap()
}

pub(crate) async fn stored(remote: &MemoryBackend, key: &Key) -> Vec<u8> {
    let slots = remote.get(std::slice::from_ref(key), None).await;
    match &slots[..] {
        [Ok(Slot::Entry(bytes))] => bytes.to_vec(),
        other => panic!("no entry: {other:?}"),
    }
}

pub(crate) async fn overwrite(remote: &MemoryBackend, key: &Key, bytes: Vec<u8>) {
    let options = SetOptions::new(Duration::from_secs(60), SetMode::Always);
    assert_eq!(remote.set(key, bytes.into(), &options).await.unwrap(), SetOutcome::Stored);
}

/// Loads under `key`, and tells the flaws that this counted.
async fn load(cache: &Cache, key: &Key) -> (Outcome, Vec<&'static str>) {
    let before = cache.stats().flaws;
    let options = CallOptions::table();
    let answer = cache.fetch(key, &options, || async { Ok::<_, Infallible>(ada()) }).await.unwrap();
    assert_eq!(*answer.value, ada());
    let after = cache.stats().flaws;
    let causes = after.iter().filter(|(cause, count)| before[*cause] < **count);
    (answer.outcome, causes.map(|(cause, _)| *cause).collect())
}

/// Positional codecs read swapped fields without a word (two peers).
#[tokio::test]
async fn a_type_whose_fields_changed_places_is_a_miss() {
    let remote = memory();
    let cache = instance(&remote);
    let key = cache.key("profile");
    load(&cache, &key).await;

    assert_eq!(cache.get::<Swapped>(&key).await.unwrap(), None);

    assert_eq!(cache.stats().flaws["schema"], 1);
    assert_eq!(*cache.get::<Profile>(&key).await.unwrap().unwrap(), ada());
}

#[tokio::test]
async fn another_version_of_a_type_is_a_miss() {
    let remote = memory();
    let cache = instance(&remote);
    let key = cache.key("profile");
    let load = || async { Ok::<_, Infallible>(ada()) };
    let [one, two] = [1, 2].map(|version| CallOptions::table().version(version));

    for (options, expected) in [
        (&one, Outcome::Loaded),
        (&one, Outcome::RemoteHit),
        (&two, Outcome::Loaded),
        (&two, Outcome::RemoteHit),
        (&one, Outcome::Loaded),
    ] {
        assert_eq!(cache.fetch(&key, options, load).await.unwrap().outcome, expected);
    }
}

#[tokio::test]
async fn every_truncation_and_every_flipped_bit_is_a_counted_miss_and_is_replaced() {
    let remote = memory();
    let cache = instance(&remote);
    let key = cache.key("profile").user(1);
    load(&cache, &key).await;
    let good = stored(&remote, &key).await;

    let truncated = (0..good.len()).map(|length| good[..length].to_vec());
    let flipped = (0..good.len() * 8).map(|bit| {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    for bytes in truncated.chain(flipped) {
        // A flip in the mark can make a lease or a tombstone of it, if the length fits.
        overwrite(&remote, &key, bytes).await;
        let (outcome, causes) = load(&cache, &key).await;
        assert_eq!((outcome, causes.len()), (Outcome::Loaded, 1), "{causes:?}");
        assert_eq!(load(&cache, &key).await.0, Outcome::RemoteHit, "it was replaced");
    }
}

#[tokio::test]
async fn bytes_of_strangers_are_a_counted_miss_and_are_replaced() {
    let remote = memory();
    let cache = instance(&remote);
    let key = cache.key("profile");
    for bytes in [&b""[..], b"x", b"{\"name\":\"Ada\"}", &[0; 64], &[0xFF; 4096], &[0xCA; 18]] {
        overwrite(&remote, &key, bytes.to_vec()).await;

        let (outcome, causes) = load(&cache, &key).await;

        assert_eq!((outcome, causes.len()), (Outcome::Loaded, 1), "{bytes:?}");
        assert_eq!(load(&cache, &key).await.0, Outcome::RemoteHit);
    }
}

#[tokio::test]
async fn an_entry_of_another_key_is_a_miss() {
    let remote = memory();
    let cache = instance(&remote);
    let (his, hers) = (cache.key("profile").user(1), cache.key("profile").user(2));
    load(&cache, &his).await;

    overwrite(&remote, &hers, stored(&remote, &his).await).await;

    assert_eq!(load(&cache, &hers).await, (Outcome::Loaded, vec!["key"]));
}

#[tokio::test]
async fn one_key_asked_for_as_two_types_gives_each_its_own() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());

    for _ in 0..2 {
        assert!(*cache.get_or_load(&key, || source.load()).await.unwrap() > 0);
        load(&cache, &key).await;
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
    Text(String),
}

/// Such a type encodes and never decodes.
#[tokio::test]
async fn a_type_the_codec_cannot_read_back_is_served_and_kept_near_only() {
    let remote = memory();
    let cache = builder().near(memory()).remote(remote.clone()).build().unwrap();
    let key = cache.key("profile");
    let load = || async { Ok::<_, Infallible>(Untagged::Number(7)) };

    for _ in 0..2 {
        assert_eq!(*cache.get_or_load(&key, load).await.unwrap(), Untagged::Number(7));
    }

    let stats = cache.stats();
    assert_eq!((stats.values_unsupported, stats.total().near_hits), (1, 1));
    let slots = remote.get(std::slice::from_ref(&key), None).await;
    assert!(matches!(slots[..], [Ok(Slot::Missing)]), "no lease stays");
    let error = cache.set(&key, Arc::new(Untagged::Number(7))).await.unwrap_err();
    assert!(error.to_string().contains("Untagged"), "{error}");
}

#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct Sparse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<()>,
    list: Vec<u8>,
}

/// `{ list: [0] }` without its `None` has the bytes of `{ unit: Some(()), list: [] }`.
#[tokio::test]
async fn a_value_that_leaves_out_fields_is_not_stored_by_position() {
    let remote = memory();
    let (one, two) = (instance(&remote), instance(&remote));
    let key = one.key("sparse");
    let load = || async { Ok::<_, Infallible>(Sparse { unit: None, list: vec![0] }) };

    for cache in [&one, &two] {
        assert_eq!(cache.get_or_load(&key, load).await.unwrap().list, [0]);
    }

    assert_eq!(two.stats().total().remote_hits, 0);
    assert_eq!(one.stats().values_unsupported, 1);
}
