//! Refresh ahead: what is asked for often, and dear, is loaded again before it is stale.

use std::time::Duration;

use anyhow::{Result, ensure};
use cache_aside::{CallOptions, Loaded, Outcome};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("'1m'", "refresh_ahead = 1.0")?;
    let ask = async || {
        let (clock, source) = (it.clock.clone(), it.source.clone());
        let load = move || async move {
            clock.advance(Duration::from_secs(2)); // it takes two seconds
            source.load().await.map(Loaded::new)
        };
        it.cache.fetch_owned(&it.key, &CallOptions::table(), load).await
    };
    ensure!(ask().await?.outcome == Outcome::Loaded);

    let mut age = 0;
    while it.cache.stats().total().refreshes == 0 && age < 60 {
        it.pass(1);
        age += 1;
        for _ in 0..100 {
            ensure!(ask().await?.outcome == Outcome::NearHit, "nobody ever waits");
        }
        it.settle().await;
    }
    ensure!(age < 60, "100 calls a second do not leave it until it is stale");
    println!("refresh ahead  refreshed when it was {age} of 60 seconds old");
    Ok(())
}
