//! What is seen of a cache from outside: `cargo run --example observe`.

use std::convert::Infallible;
use std::sync::Arc;

use cache_aside::{Cache, Event, LineEvent, LineObserver, MemoryBackend, Observer, TtlTable};

/// Prints what it is told.
#[derive(Debug)]
struct Printer(String);

impl Observer for Printer {
    fn line(&self, entity: &str, tier: Option<&str>) -> Arc<dyn LineObserver> {
        Arc::new(Self(format!("{entity} {}", tier.unwrap_or("-"))))
    }

    fn note(&self, event: &Event<'_>) {
        println!("{:<15} {event:?}", self.0);
    }
}

impl LineObserver for Printer {
    fn note(&self, event: &LineEvent) {
        println!("{:<15} {event:?}", self.0);
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let memory = MemoryBackend::with_max_bytes(1 << 20);
    let table = TtlTable::from_toml("default = '1m'")?;
    let builder = Cache::builder("observe").ttl_table(table).near(memory.clone()).remote(memory);
    let cache = builder.observer(Printer("cache".to_owned())).build()?;
    let key = cache.key("profile").tier("free").user(42);
    for _ in 0..2 {
        cache.get_or_load(&key, async || Ok::<_, Infallible>("Ada".to_owned())).await?;
    }
    cache.invalidate(&key).await?;
    println!("{}", serde_json::to_string_pretty(&cache.stats().tiers)?);
    println!("{}", serde_json::to_string_pretty(&cache.health().await)?);
    anyhow::ensure!(cache.stats().tiers["profile"]["free"].near_hits == 1, "the second is near");
    Ok(())
}
