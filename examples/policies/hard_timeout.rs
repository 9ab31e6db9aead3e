//! Hard time-out: where there is nothing to serve, a caller gets an error, and the load goes on.

use std::time::Duration;

use anyhow::{Result, ensure};
use cache_aside::{CallOptions, Error, ErrorKind, Loaded};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("'1m'", "")?;
    let options = CallOptions::table().hard_timeout(Duration::from_millis(50));
    it.source.takes(300);

    let source = it.source.clone();
    let load = move || async move { source.load().await.map(Loaded::new) };
    let late = it.cache.fetch_within(&it.key, &options, load).await.map(|answer| *answer.value);
    let late = late.err().and_then(|error| error.downcast::<Error>().ok());
    ensure!(late.is_some_and(|error| error.kind() == ErrorKind::Timeout));

    it.settle().await;
    ensure!(it.ask().await? == 1, "what it loaded was kept");
    println!("hard time-out  an error after 50 ms, and a value for the next caller");
    Ok(())
}
