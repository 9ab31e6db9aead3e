//! Calls in which everything happens that is counted and logged, in one thread.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty, ManualClock};
use cache_aside::{
    Cache, CacheBuilder, CallOptions, Key, MemoryBackend, TtlTable, Warmups, invalidates,
};
use serde::{Deserialize, Serialize};

use crate::common::{memory, settings, until};

/// What no label and no log may hold.
pub(super) const SECRET: &str = "SECRET-42";

const TABLE: &str = "[entities]\nprofile = { fresh = '1m', stale = '1h' }";

/// What bincode cannot store.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Odd {
    Text(String),
}

struct Writer {
    cache: Cache,
}

impl Writer {
    #[invalidates(user = user)]
    async fn rename(&self, user: &str) -> Result<(), Infallible> {
        let _ = user;
        Ok(())
    }
}

/// Plays the scene; returns the cache as it was before it was closed.
pub(super) async fn play(observed: impl Fn(CacheBuilder) -> CacheBuilder) -> Cache {
    let (clock, store) = (ManualClock::new(), memory());
    let remote = Faulty::new(store.clone());
    let mut settings = settings();
    (settings.failures_to_open, settings.journal_max) = (1, 1);
    settings.retry_min = Duration::from_millis(1);
    let table = TtlTable::from_toml(TABLE).unwrap();
    let builder = Cache::builder("test").ttl_table(table).settings(settings);
    let builder = builder.clock(Arc::new(clock.clone())).near(memory()).remote(remote.clone());
    let cache = observed(builder).build().unwrap();

    calls(&cache, &clock).await;
    tables(&cache).await;
    flaws(&cache, &store).await;
    outage(&cache, &remote).await;
    cache
}

/// Closes the cache, which then cannot tell what was invalidated.
pub(super) async fn close(cache: &Cache) {
    cache.close().await;
    Writer { cache: cache.clone() }.rename(SECRET).await.unwrap();
}

fn key(cache: &Cache, place: u32) -> Key {
    cache.key("profile").tier("free").user(SECRET).arg(SECRET).arg(place).tag(SECRET)
}

async fn calls(cache: &Cache, clock: &ManualClock) {
    let (options, key) = (CallOptions::table(), key(cache, 0));
    let load = async || Ok::<_, Infallible>(SECRET.to_owned());
    let fail = async || Err::<String, _>(SECRET);
    cache.fetch(&key, &options, load).await.unwrap();
    cache.fetch(&key, &options, load).await.unwrap();
    clock.advance(Duration::from_secs(120));
    cache.fetch(&key, &options, fail).await.unwrap();
    cache.get_or_load(&cache.key("other").arg(SECRET), fail).await.unwrap_err();
    cache.get::<String>(&cache.key("other").user(SECRET)).await.unwrap();
    cache.get_or_load(&cache.key("profile").arg(SECRET.repeat(200)), load).await.unwrap();
    let odd = async || Ok::<_, Infallible>(Odd::Text(SECRET.to_owned()));
    cache.get_or_load(&cache.key("odd").user(SECRET), odd).await.unwrap();
    let keys = [cache.key("many").user(SECRET)];
    let many = async |_| Ok::<_, Infallible>(vec![Some(SECRET.to_owned())]);
    cache.get_or_load_many(&keys, many).await.unwrap();
    let load = |_: usize| async { Ok::<_, Infallible>(1) };
    Warmups::new().add("list", move |cache| cache.warm([], load)).start(cache).done().await;
}

/// Has other tables, one of which is wrong and one strict.
async fn tables(cache: &Cache) {
    let load = async || Ok::<_, Infallible>(SECRET.to_owned());
    cache.reload_ttl_table("fresh").unwrap_err();
    cache.reload_ttl_table("strict = true").unwrap();
    cache.get_or_load(&cache.key("lacking").user(SECRET), load).await.unwrap();
    cache.reload_ttl_table(TABLE).unwrap();
    // Without a table there is advice.
    Cache::builder("test").near(memory()).build().unwrap();
}

/// Reads what was stored as another type.
async fn flaws(cache: &Cache, store: &MemoryBackend) {
    let other = Cache::builder("test").remote(store.clone()).build().unwrap();
    other.set(&key(&other, 1), Arc::new(7_u64)).await.unwrap();
    cache.get::<String>(&key(cache, 1)).await.unwrap();
}

async fn outage(cache: &Cache, remote: &Faulty<MemoryBackend>) {
    remote.set_fault(Fault::Fail);
    cache.get::<String>(&key(cache, 2)).await.unwrap();
    let keys = [key(cache, 0), key(cache, 1), key(cache, 2)];
    cache.invalidate_many(&keys).await.unwrap();
    remote.set_fault(None);
    until("it is back", async || cache.health().await.is_complete()).await;
}
