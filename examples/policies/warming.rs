//! Warming: what everybody will ask for is there before they do, and readiness does not wait for it.

use std::convert::Infallible;

use anyhow::{Result, ensure};
use cache_aside::Warmups;
use indicatif::ProgressBar;

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("'1h'", "")?;
    let plans: Vec<_> = (0..40).map(|id| it.cache.key("plan").arg(id)).collect();
    let load = |at: usize| async move { Ok::<_, Infallible>(at as u64) };

    let started =
        Warmups::new().add("plans", move |cache| cache.warm(plans, load)).start(&it.cache);
    ensure!(it.cache.health().await.is_complete(), "the service answers already");
    let done = started.done().await; // a service that must be warm waits here
    ensure!(done[0].progress.loaded == 40);

    let pages: Vec<_> = (0..100).map(|id| it.cache.key("page").arg(id)).collect();
    let bar = ProgressBar::new(100);
    it.cache
        .warm(pages, load)
        .rate(500)
        .on_progress(move |it| bar.set_position(it.done() as u64))
        .await;
    println!(
        "warming        100 pages at 500 a second, and 40 plans behind a service that had started"
    );
    Ok(())
}
