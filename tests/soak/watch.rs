//! Reads every second, and sees all end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_test_servers::Server;
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::reading::{self, Reading};
use crate::service::Service;

/// How many readings there are between two lines of progress.
const LINE: usize = 10;

/// Everything that is watched.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) service: Arc<Service>,
    pub(crate) server: Arc<Server>,
    pub(crate) runtimes: [Handle; 2],
}

/// What is there after everything was told to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) tasks: u64,
    pub(crate) connections: u64,
    pub(crate) loads: u64,
    /// What the server was not told of.
    pub(crate) owed: u64,
}

impl Left {
    pub(crate) fn is_nothing(self) -> bool {
        [self.tasks, self.connections, self.loads, self.owed] == [0; 4]
    }
}

impl Watch {
    pub(crate) async fn read_until(&self, end: Instant) -> Vec<Reading> {
        let (started, mut readings) = (Instant::now(), Vec::new());
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            seconds.tick().await;
            let reading = Reading::take(&self.service, &self.runtimes, &self.server.url()).await;
            readings.push(reading);
            if readings.len() % LINE == 0 {
                let calls = self.service.tally.calls.read();
                println!("{:4} s  {calls:>9} calls  {reading}", started.elapsed().as_secs());
            }
        }
        readings
    }

    /// Ends callers and caches, and waits until nothing is left of them; not for ever.
    pub(crate) async fn finish(&self) -> Left {
        const PATIENCE: Duration = Duration::from_secs(10);
        self.service.stop().await;
        let end = Instant::now() + PATIENCE;
        loop {
            let stats = self.service.stats();
            let left = Left {
                tasks: reading::tasks(&self.runtimes),
                connections: reading::connections(&self.server.url()).await.unwrap_or(u64::MAX),
                loads: stats.iter().map(|stats| stats.in_flight).sum(),
                owed: stats.iter().map(|stats| stats.journal_depth).sum(),
            };
            if left.is_nothing() || Instant::now() > end {
                return left;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}
