//! The walk through all phases, while the traffic goes on.

use std::time::Duration;

use anyhow::Result;
use cache_aside_examples::server::Server;

use crate::clock::Clock;
use crate::phase::Phase;
use crate::progress::Progress;
use crate::record::Span;

/// How long callers fill the cache before anything is measured.
const WARM_UP: Duration = Duration::from_secs(3);

/// Has everything happen to the server, and returns when it did.
pub(crate) async fn through(server: &Server, clock: Clock) -> Result<Vec<Span>> {
    let whole: Duration = Phase::ALL.iter().map(|phase| phase.lasts()).sum();
    let progress = Progress::new(WARM_UP + whole);
    progress.wait(WARM_UP).await;
    let mut spans: Vec<Span> = Vec::new();
    for phase in Phase::ALL {
        let before = clock.now();
        if let Some(act) = phase.act() {
            server.suffer(act).await?;
        }
        // A server is away from the moment on that something happens to it, and back once it answers.
        let from = if phase.is_return() { clock.now() } else { before };
        if let Some(last) = spans.last_mut() {
            last.to = from;
        }
        let start = spans.first().map_or(from, |first| first.from);
        let at = (from - start).as_secs_f64();
        progress.say(&format!("{at:5.1} s  {}: {}", phase.name(), phase.event()));
        progress.wait(phase.lasts()).await;
        spans.push(Span { phase, from, to: clock.now() });
    }
    Ok(spans)
}
