//! Stale while it is refreshed: nobody waits for a value that was there a moment ago.

use anyhow::{Result, ensure};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("{ fresh = '1m', stale = '1h' }", "")?;
    ensure!(it.ask().await? == 1, "loaded");

    it.pass(90);
    it.source.takes(50);
    ensure!(it.ask().await? == 1, "a minute and a half old, and served at once");
    ensure!(it.ask().await? == 1, "and once more: one refresh is under way");
    it.settle().await;

    ensure!(it.ask().await? == 2, "refreshed");
    ensure!(it.source.loads() == 2);
    println!("stale          served at once, refreshed once behind {} callers", 2);
    Ok(())
}
