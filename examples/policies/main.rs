//! Each policy in one file: `cargo run --example policies`. Nothing but memory, and no time passes.
//!
//! The files are what `docs/policies.md` shows. Each prints what happens and checks it.

mod backoff;
mod bench;
mod fail_safe;
mod hard_timeout;
mod jitter;
mod loader_decides;
mod none;
mod refresh_ahead;
mod reload;
mod soft_timeout;
mod stale;
mod warming;

use anyhow::Result;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    stale::run().await?;
    refresh_ahead::run().await?;
    soft_timeout::run().await?;
    hard_timeout::run().await?;
    fail_safe::run().await?;
    backoff::run().await?;
    jitter::run().await?;
    none::run().await?;
    loader_decides::run().await?;
    reload::run().await?;
    warming::run().await
}
