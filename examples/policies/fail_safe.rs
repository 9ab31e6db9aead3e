//! Fail-safe: what is stale is served while the loader fails.

use anyhow::{Result, ensure};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("{ fresh = '1m', stale = '1h' }", "backoff_min = '10s'")?;
    it.ask().await?;
    it.source.fails(true);

    for _ in 0..30 {
        it.pass(90);
        ensure!(it.ask().await? == 1, "the database is away, and nobody notices");
        it.settle().await;
    }
    it.pass(3600);
    ensure!(it.ask().await.is_err(), "an hour later there is nothing to serve any more");

    let failed = it.cache.stats().total().refreshes_failed;
    println!("fail-safe      {failed} refreshes failed, and no caller, for an hour");
    Ok(())
}
