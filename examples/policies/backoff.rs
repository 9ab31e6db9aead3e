//! Backoff: a loader that fails is not asked again for a while.

use anyhow::{Result, ensure};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let settings = "backoff_min = '1s'\nbackoff_max = '8s'";
    let it = Bench::new("{ fresh = '1m', stale = '1h' }", settings)?;
    it.ask().await?;
    it.source.fails(true);
    it.pass(60);

    let mut tried = Vec::new();
    for second in 0..30 {
        let before = it.source.loads();
        for _ in 0..100 {
            it.ask().await?;
        }
        it.settle().await;
        if it.source.loads() > before {
            tried.push(second);
        }
        it.pass(1);
    }
    ensure!(tried == [0, 1, 3, 7, 15, 23], "1, 2, 4, 8 and 8 seconds apart: {tried:?}");
    println!("backoff        3,000 calls in 30 s, tried in seconds {tried:?}");
    Ok(())
}
