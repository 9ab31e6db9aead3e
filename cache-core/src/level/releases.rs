//! Leases to give back: those of loads that came to nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::gate::Gate;
use crate::key::Key;
use crate::wire::Stamp;

/// Leases to give back before they end by their own TTL, so that nobody waits for a fill that
/// nobody makes.
///
/// An outage must not end that: the leases would outlast it. One task gives them back, while there
/// are any; beyond a bound, and without a runtime, they end by their TTL.
#[derive(Debug)]
pub(super) struct Releases {
    gate: Arc<Gate>,
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    queue: VecDeque<Release>,
    worker: Option<AbortHandle>,
}

#[derive(Clone, Debug)]
struct Release {
    key: Key,
    stamp: Stamp,
    until: Instant,
}

impl Releases {
    /// More than any instance has loads; each takes a key and little else.
    const MAX: usize = 4096;

    /// How many are given back side by side.
    const AT_ONCE: usize = 64;

    pub(super) fn new(gate: Arc<Gate>) -> Self {
        Self { gate, desk: Mutex::default() }
    }

    /// Gives a lease back in the background.
    pub(super) fn add(self: &Arc<Self>, key: Key, stamp: Stamp) {
        let until = Instant::now() + self.gate.settings.lease_ttl;
        let mut desk = self.desk();
        if desk.queue.len() >= Self::MAX {
            desk.queue.pop_front();
            self.gate.counters.note(crate::stats::Event::LeaseLeft);
        }
        desk.queue.push_back(Release { key, stamp, until });
        drop(desk);
        self.look_after();
    }

    /// Sees that somebody gives back what there is, if a runtime is at hand.
    pub(super) fn look_after(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut desk = self.desk();
        if !desk.queue.is_empty() && desk.worker.as_ref().is_none_or(AbortHandle::is_finished) {
            let work = work(Arc::downgrade(self), self.gate.settings.retry_min);
            desk.worker = Some(runtime.spawn(work).abort_handle());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.desk().queue.len()
    }

    /// Gives back what can be given back now; false if nothing is left to do.
    async fn round(&self) -> bool {
        if !self.gate.is_shut() {
            let releases = self.next();
            let given = releases.iter().map(|Release { key, stamp, .. }| {
                self.gate.call(self.gate.backend.release(key, stamp))
            });
            let given = join_all(given).await;
            let failed = releases.into_iter().zip(given).filter(|(_, given)| given.is_err());
            self.desk().queue.extend(failed.map(|(release, _)| release));
        }
        let now = Instant::now();
        let mut desk = self.desk();
        desk.queue.retain(|release| now < release.until);
        if desk.queue.is_empty() {
            // Under the lock: who adds the next one starts the next worker.
            desk.worker = None;
        }
        !desk.queue.is_empty()
    }

    fn next(&self) -> Vec<Release> {
        let mut desk = self.desk();
        let count = desk.queue.len().min(Self::AT_ONCE);
        desk.queue.drain(..count).collect()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Releases {
    fn drop(&mut self) {
        if let Some(worker) = self.desk().worker.take() {
            worker.abort();
        }
    }
}

async fn work(releases: Weak<Releases>, pause: Duration) {
    while let Some(releases) = releases.upgrade() {
        let before = releases.len();
        if !releases.round().await {
            return;
        }
        let made_way = releases.len() < before && !releases.gate.is_shut();
        drop(releases);
        if !made_way {
            sleep(pause).await;
        }
    }
}
