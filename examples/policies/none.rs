//! "There is none" is an answer too, and lives for a time of its own.

use std::convert::Infallible;

use anyhow::{Result, ensure};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("{ fresh = '1h', none = '5s' }", "")?;
    let ask = async |row: Option<u32>| {
        let load = || async { Ok::<_, Infallible>(row) };
        it.cache.get_or_load(&it.key, load).await.map(|row| *row)
    };
    ensure!(ask(None).await?.is_none());

    ensure!(ask(Some(1)).await?.is_none(), "for five seconds nobody asks again");
    it.pass(5);
    ensure!(ask(Some(1)).await? == Some(1), "then somebody does");
    it.pass(3599);
    ensure!(ask(Some(2)).await? == Some(1), "and what there is lives for an hour");
    println!("none           kept for 5 s, where a value is kept for an hour");
    Ok(())
}
