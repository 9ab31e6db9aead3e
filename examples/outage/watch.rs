//! What the cache says of itself: its health, and where its answers came from.

use std::time::Duration;

use cache_aside::{Cache, RemoteState};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::clock::Clock;

/// How often it is asked.
pub(crate) const EVERY: Duration = Duration::from_millis(2);

/// A reading of the counters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    /// Answers so far: from memory, from the server, from the database.
    pub(crate) answers: [u64; 3],
    /// Whether the server is in use.
    pub(crate) is_used: bool,
}

/// Reads the counters of a cache all the time.
#[derive(Debug)]
pub(crate) struct Watch {
    over: oneshot::Sender<()>,
    samples: JoinHandle<Vec<Sample>>,
}

impl Watch {
    pub(crate) fn start(cache: &Cache, clock: Clock) -> Self {
        let (over, mut is_over) = oneshot::channel();
        let cache = cache.clone();
        let samples = tokio::spawn(async move {
            let mut samples = Vec::new();
            while is_over.try_recv().is_err() {
                samples.push(sample(&cache, clock).await);
                sleep(EVERY).await;
            }
            samples
        });
        Self { over, samples }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<Vec<Sample>> {
        let _ = self.over.send(());
        Ok(self.samples.await?)
    }
}

async fn sample(cache: &Cache, clock: Clock) -> Sample {
    let is_used = cache.health().await.remote.is_some_and(|it| it.state == RemoteState::Up);
    let total = cache.stats().total();
    let answers = [total.near_hits, total.remote_hits, total.loaded];
    Sample { at: clock.now(), answers, is_used }
}
