use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::*;
use crate::clock::SystemClock;
use crate::codec::Bincode;
use crate::engine::Parts;
use crate::key::Key;
use crate::level::near::{Near, NearUsage};
use crate::policy::{CallOptions, Settings, TtlTable};
use crate::{Cache, testing};

/// A near level that keeps everything.
#[derive(Debug, Default)]
struct Sack(Mutex<HashMap<Box<[u8]>, Arc<NearEntry>>>);

impl Near for Sack {
    fn get(&self, key: &Key) -> Option<Arc<NearEntry>> {
        self.0.lock().unwrap().get(key.as_bytes()).cloned()
    }

    fn insert(&self, key: &Key, entry: Arc<NearEntry>) {
        self.0.lock().unwrap().insert(key.as_bytes().into(), entry);
    }

    fn remove(&self, key: &[u8]) {
        self.0.lock().unwrap().remove(key);
    }

    fn usage(&self) -> NearUsage {
        NearUsage::new(self.0.lock().unwrap().len() as u64, 0)
    }
}

impl fmt::Display for Sack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sack")
    }
}

fn tagged(key: Key) -> Key {
    (0..300).fold(key, |key, tag| key.tag(&tag.to_string()))
}

fn cache() -> Cache {
    Cache::builder("atlas").near(Sack::default()).build().unwrap()
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Chain(Option<Box<Chain>>);

#[tokio::test]
async fn a_value_that_is_nested_too_deep_is_served_and_not_kept() {
    let cache = cache();
    let key = cache.key("chain");
    let chain = || (0..100).fold(Chain::default(), |tail, _| Chain(Some(Box::new(tail))));

    for _ in 0..2 {
        cache.get_or_load(&key, || async { Ok::<_, Infallible>(chain()) }).await.unwrap();
    }

    let stats = cache.stats();
    assert_eq!((stats.values_unsupported, stats.near.entries), (2, 0));
    let error = cache.set(&key, Arc::new(chain())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn what_nobody_knows_the_weight_of_is_not_kept_near() {
    let sack = Arc::new(Sack::default());
    let parts = Parts {
        near: Some(Arc::<Sack>::clone(&sack)),
        remote: None,
        codec: Arc::new(Bincode),
        clock: Arc::new(SystemClock),
        table: TtlTable::default(),
        settings: Settings::default(),
        observers: Vec::new(),
    };
    let engine = Engine::new(b"atlas:", parts);
    let (key, options) = (testing::key("atlas", "chain"), CallOptions::table());
    let line = engine.line(&key);
    let call = Call { key: &key, options: &options, line: &line, late_tags: false };

    for (weight, entries) in [(usize::MAX, 0), (100, 1)] {
        let (minute, none) = (Duration::from_secs(60), Duration::ZERO);
        let left = Left { fresh: minute, stale: minute };
        let copy = NearCopy { weight, left, early: none, asked: none, backing: Backing::None };
        engine.keep_near(call, &Arc::new(1_u32), copy, &engine.fences.snapshot(&key));
        assert_eq!(sack.usage().entries, entries);
    }
}

#[tokio::test]
async fn what_has_more_tags_than_are_known_is_not_kept() {
    let cache = cache();
    let (one, two) = (tagged(cache.key("one")), cache.key("two"));
    let options = CallOptions::table();

    cache.set(&one, Arc::new(1_u32)).await.unwrap();
    assert_eq!(cache.stats().near.entries, 0, "set");
    cache.get_or_load(&one, || async { Ok::<_, Infallible>(1_u32) }).await.unwrap();
    assert_eq!(cache.stats().values_unsupported, 1);
    let late = || (0..300).fold(Loaded::new(2_u32), |it, tag| it.tag(tag.to_string()));
    let load = || async { Ok::<_, Infallible>(late()) };
    cache.fetch_loaded(&two, &options, load).await.unwrap();

    let stats = cache.stats();
    assert_eq!((stats.values_unsupported, stats.near.entries), (2, 0));
    cache
        .fetch_loaded(&two, &options, || async { Ok::<_, Infallible>(Loaded::new(2_u32)) })
        .await
        .unwrap();
    assert_eq!(cache.stats().near.entries, 1);
}
