//! Jitter: what was loaded together does not end together.

use std::convert::Infallible;

use anyhow::{Result, ensure};

use crate::bench::Bench;

pub(crate) async fn run() -> Result<()> {
    let it = Bench::new("{ fresh = '60s', jitter = '20s' }", "")?;
    let keys: Vec<_> = (0..1000).map(|id| it.cache.key("row").arg(id)).collect();
    let load = |at: usize| async move { Ok::<_, Infallible>(at as u64) };
    it.cache.warm(keys.clone(), load).await;

    let mut left = Vec::new();
    for _ in 0..4 {
        let values = it.cache.get_many::<u64>(&keys).await?;
        left.push(values.iter().flatten().count());
        it.pass(if left.len() == 1 { 40 } else { 10 });
    }
    let [first, after_40, after_50, after_60] = left[..] else { unreachable!() };
    ensure!((first, after_40, after_60) == (1000, 1000, 0), "not earlier, and not later");
    ensure!((350..650).contains(&after_50), "half of them in half of the time");
    println!(
        "jitter         of 1,000: {after_40} after 40 s, {after_50} after 50 s, {after_60} after 60 s"
    );
    Ok(())
}
