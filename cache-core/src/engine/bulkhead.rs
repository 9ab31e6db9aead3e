//! The bulkhead: keeps everything from being asked of the source at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::policy::Settings;
use crate::stats::{CacheCounters, Event};

/// Lets so many loads run at once, and has others wait for their turn.
///
/// A cache must not break a call, so nobody is turned away: whoever would make the queue too long,
/// or has waited too long, runs all the same, and is counted. That also keeps loads from blocking
/// each other for good whose loaders ask the cache themselves.
#[derive(Debug)]
pub(super) struct Bulkhead {
    turns: Semaphore,
    queued: AtomicUsize,
    max_queued: usize,
    max_wait: Duration,
    counters: Arc<CacheCounters>,
}

/// A load's turn, until it is dropped.
pub(super) type Turn<'a> = Option<SemaphorePermit<'a>>;

impl Bulkhead {
    pub(super) fn new(settings: &Settings, counters: Arc<CacheCounters>) -> Self {
        Self {
            turns: Semaphore::new(settings.load_limit),
            queued: AtomicUsize::new(0),
            max_queued: settings.load_queue,
            max_wait: settings.load_wait,
            counters,
        }
    }

    /// Waits for a turn; `None` for one beyond the limit.
    pub(super) async fn pass(&self) -> Turn<'_> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Some(turn);
        }
        let turn = match Place::take(self) {
            Some(_place) => {
                self.counters.note(Event::LoadQueued);
                timeout(self.max_wait, self.turns.acquire()).await.ok().and_then(Result::ok)
            }
            None => None,
        };
        if turn.is_none() {
            self.counters.note(Event::LoadOverLimit);
        }
        turn
    }
}

/// A place in the queue, until it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(bulkhead: &'a Bulkhead) -> Option<Self> {
        let queued = &bulkhead.queued;
        if queued.fetch_add(1, Ordering::Relaxed) < bulkhead.max_queued {
            return Some(Self(queued));
        }
        queued.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
