//! The loader knows best: it may say how long its answer lives, or that it is not to be kept.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Result, ensure};
use cache_aside::{CallOptions, Loaded, Ttl};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("'1h'", "")?;
    let options = CallOptions::table().with_ttl(Ttl::new(Duration::from_secs(600)))?;
    let text = |text: &str| Loaded::new(text.to_owned());
    let ask = async |loaded: Loaded<String>| {
        let load = || async { Ok::<_, Infallible>(loaded) };
        it.cache.fetch_loaded(&it.key, &options, load).await.map(|answer| answer.value)
    };
    ensure!(*ask(text("being computed").uncached()).await? == "being computed");
    let auction = Ttl::new(Duration::from_secs(3)); // it ends then
    ensure!(*ask(text("bids: 7").with_ttl(auction)).await? == "bids: 7");

    it.pass(2);
    ensure!(*ask(text("bids: 8")).await? == "bids: 7", "three seconds, not ten minutes");
    it.pass(1);
    ensure!(*ask(text("sold")).await? == "sold");
    println!("loader decides not kept; then 3 s, where the call says 10 min and the table 1 h");
    Ok(())
}
