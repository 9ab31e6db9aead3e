//! Soft time-out: a caller waits a little for a newer value, and takes the stale one after that.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("{ fresh = '1m', stale = '1h' }", "soft_timeout = '200ms'")?;
    it.ask().await?;

    it.pass(61);
    ensure!(it.ask().await? == 2, "the loader is quick: the caller gets what is new");

    it.pass(61);
    it.source.takes(2000);
    let begun = Instant::now();
    ensure!(it.ask().await? == 2, "the loader is slow: the caller gets what is stale");
    ensure!(begun.elapsed() < Duration::from_secs(1));

    it.settle().await;
    ensure!(it.ask().await? == 3, "the load went on");
    println!("soft time-out  new if that takes 200 ms at most, stale if it does not");
    Ok(())
}
