//! The end of the remote level: what can still be told is told.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::gate::Gate;
use super::phase::Event;
use super::releases::Releases;
use crate::stats::Closed;

impl Gate {
    /// Tells the backend what it is owed, for as long as `within`, and ends its work.
    ///
    /// # Cancellation
    ///
    /// Dropped half-way, the gate stays as it is, or is closed.
    pub(super) async fn close(
        self: &Arc<Self>,
        releases: &Arc<Releases>,
        within: Duration,
    ) -> Closed {
        let told = async {
            // Leases end by themselves: a store that is down is not waited for because of them.
            let is_owed = || !self.standing().journal.is_empty();
            while is_owed() || (releases.len() > 0 && !self.is_shut()) {
                if self.can_owe().is_err() {
                    return; // closed already
                }
                self.look_after(&mut self.standing());
                releases.look_after();
                // One that is down is tried at once, and more often than ever.
                self.ears.returned().notify_one();
                sleep(self.settings.retry_min).await;
            }
        };
        // Late is as good as done: what is left is counted.
        let _ = timeout(within, told).await;
        let left = {
            let mut standing = self.standing();
            self.apply(&mut standing, Event::Closed);
            standing.journal.len()
        };
        self.backend.close().await;
        Closed::new(left, releases.len())
    }
}
