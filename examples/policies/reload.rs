//! Reload: another TTL table holds for what is loaded from then on, and a wrong one changes nothing.

use anyhow::{Context, Result, ensure};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("'1h'", "")?;
    ensure!(it.ask().await? == 1, "loaded, for an hour");

    it.cache.reload_ttl_table("default = '10s'")?;
    it.pass(20);
    ensure!(it.ask().await? == 1, "what is cached keeps its life");
    it.cache.invalidate(&it.key).await?;
    ensure!(it.ask().await? == 2, "loaded, for ten seconds");
    it.pass(10);
    ensure!(it.ask().await? == 3);

    let error = it.cache.reload_ttl_table("default = '0s'").err().context("it is refused")?;
    let table = it.cache.health().await.ttl_table;
    ensure!(table.revision == 1 && table.problem.is_some(), "health says so until the next one");
    it.pass(9);
    ensure!(it.ask().await? == 3, "and the one in use stays");
    println!("reload         10 s where it was an hour; then: {error}");
    Ok(())
}
