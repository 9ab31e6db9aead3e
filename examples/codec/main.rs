//! A type that bincode cannot read back, and what compression saves: `cargo run --example codec`.
//!
//! Memory stands in for Redis. Each step prints what happens and checks it.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use cache_aside::codec::{Bincode, Codec, Json};
use cache_aside::{Cache, MemoryBackend, TtlTable};
use serde::{Deserialize, Serialize};

/// What a partner sends: the field that is there says what it is.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Notice {
    Paid { order: u64, cents: u64 },
    Refused { order: u64, reason: String },
}

fn cache(store: &MemoryBackend, codec: impl Codec) -> Result<Cache> {
    let table = TtlTable::from_json(r#"{"default": "10m", "entities": {"notice": "1m"}}"#)?;
    Ok(Cache::builder("codec").ttl_table(table).remote(store.clone()).codec(codec).build()?)
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = MemoryBackend::with_max_bytes(16 << 20);
    let (by_place, by_name) = (cache(&store, Bincode)?, cache(&store, Json)?);
    let refused = || Notice::Refused { order: 7, reason: "no funds".to_owned() };
    let (one, many) = (by_name.key("notice").arg(7), by_name.key("notices"));

    println!("bincode writes values without names, so it cannot tell the variants apart:");
    let error = by_place.set(&one, Arc::new(refused())).await.err().context("it was stored")?;
    println!("  {error}\n");
    ensure!(by_place.stats().payload_bytes == 0, "nothing was stored");

    println!("JSON does, and another instance reads it:");
    by_name.set(&one, Arc::new(refused())).await?;
    let read = cache(&store, Json)?.get::<Notice>(&one).await?.context("it was not stored")?;
    println!("  {read:?}\n");
    ensure!(*read == refused());

    println!("names repeat themselves; what is over 4 KiB is compressed:");
    let notices = (0..1000).map(|order| Notice::Paid { order, cents: 4_99 }).collect::<Vec<_>>();
    let before = by_name.stats();
    by_name.set(&many, Arc::new(notices)).await?;
    let after = by_name.stats();
    let payload = after.payload_bytes - before.payload_bytes;
    let stored = after.stored_bytes - before.stored_bytes;
    println!("  1,000 notices: {payload} bytes of JSON, {stored} bytes stored");
    ensure!(stored < payload / 2, "half of it at least is saved");
    Ok(())
}
