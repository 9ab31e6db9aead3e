//! The gate in front of a backend: a deadline for each operation, and a breaker.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::time::{Instant, sleep, timeout};

use super::breaker::{Backoff, Breaker};
use crate::backend::{Backend, is_outage};
use crate::engine::fence::Fences;
use crate::policy::Settings;
use crate::stats::CacheCounters;
use crate::{Error, ErrorKind, Result};

/// Lets operations through to a backend, none for longer than the settings say, and none at all
/// while it is down.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) backend: Arc<dyn Backend>,
    breaker: Breaker,
    closed: AtomicBool,
    /// When the probe last showed that it lives.
    probed: Mutex<Option<Instant>>,
    settings: Settings,
    counters: Arc<CacheCounters>,
    fences: Arc<Fences>,
}

impl Gate {
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        settings: Settings,
        counters: Arc<CacheCounters>,
        fences: Arc<Fences>,
    ) -> Self {
        let breaker = Breaker::new(settings.failures_to_open);
        let (closed, probed) = (AtomicBool::new(false), Mutex::default());
        Self { backend, breaker, closed, probed, settings, counters, fences }
    }

    /// Whether operations are refused.
    pub(super) fn is_shut(&self) -> bool {
        self.breaker.is_open()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Returns the last failure, while there has been no success since.
    pub(super) fn problem(&self) -> Option<Error> {
        self.breaker.problem()
    }

    /// Performs one operation within the deadline, unless the backend is down.
    pub(super) async fn call<T>(
        self: &Arc<Self>,
        operation: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.admit()?;
        let result = self.timed(operation).await.and_then(|result| result);
        self.judge(result.as_ref().err());
        result
    }

    /// As [`call`](Self::call), for an operation on `count` keys, each with an answer of its own.
    pub(super) async fn call_each<T>(
        self: &Arc<Self>,
        count: usize,
        operation: impl Future<Output = Vec<Result<T>>>,
    ) -> Vec<Result<T>> {
        let all = |error: Error| (0..count).map(|_| Err(error.clone())).collect();
        if let Err(error) = self.admit() {
            return all(error);
        }
        let results = self.timed(operation).await.unwrap_or_else(all);
        // One key that was answered shows that the backend is there.
        let is_answered = results.iter().any(Result::is_ok);
        match results.iter().find_map(|result| result.as_ref().err()) {
            Some(error) if is_answered => {
                self.count(error);
                self.judge(None);
            }
            error => self.judge(error),
        }
        results
    }

    /// Asks whether operations are let through, and sees that a shut gate opens again.
    pub(super) fn admit(self: &Arc<Self>) -> Result<()> {
        if !self.is_shut() {
            return Ok(());
        }
        self.counters.remote_rejections.add_one();
        if !self.is_closed() && self.is_probe_lost() {
            self.start_probe();
        }
        Err(Error::new(ErrorKind::Backend, "the remote level is down"))
    }

    /// Ends the backend's work. The gate then stays shut for good.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.breaker.open();
        self.backend.close().await;
    }

    async fn timed<T>(&self, operation: impl Future<Output = T>) -> Result<T> {
        let late = |_| Error::new(ErrorKind::Timeout, "no answer within `remote_timeout`");
        timeout(self.settings.remote_timeout, operation).await.map_err(late)
    }

    /// Takes note of how an operation went.
    fn judge(self: &Arc<Self>, error: Option<&Error>) {
        let Some(error) = error else { return self.breaker.succeeded() };
        self.count(error);
        if is_outage(error.kind()) && self.breaker.failed(error.clone()) {
            self.counters.breaker_openings.add_one();
            tracing::warn!(backend = %self.backend, %error, "remote level down");
            self.start_probe();
        }
    }

    fn count(&self, error: &Error) {
        match error.kind() {
            ErrorKind::Timeout => self.counters.remote_timeouts.add_one(),
            _ => self.counters.remote_errors.add_one(),
        }
    }

    /// Whether the probe does not run any more, such as on a runtime that nobody drives.
    fn is_probe_lost(&self) -> bool {
        let overdue = 2 * (self.settings.retry_max + self.settings.remote_timeout);
        let probed = *self.probed.lock().unwrap_or_else(PoisonError::into_inner);
        probed.is_none_or(|probed| probed.elapsed() > overdue)
    }

    fn start_probe(self: &Arc<Self>) {
        self.note_probe();
        let backoff = Backoff::new(self.settings.retry_min, self.settings.retry_max);
        tokio::spawn(probe(Recovery(Arc::downgrade(self)), backoff));
    }

    fn note_probe(&self) {
        *self.probed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Asks the backend whether it is well; past the breaker, within the deadline.
    async fn is_well(&self) -> bool {
        matches!(timeout(self.settings.remote_timeout, self.backend.ping()).await, Ok(Ok(())))
    }

    /// Lets operations through again. Near entries from the outage could not hear of invalidations.
    fn recovered(&self) {
        if self.is_closed() {
            return;
        }
        self.fences.bump_all();
        self.breaker.close();
        tracing::info!(backend = %self.backend, "remote level up");
    }
}

/// Probes until the backend answers. The only probe there is: whoever opened the breaker began it.
async fn probe(recovery: Recovery, mut backoff: Backoff) {
    loop {
        sleep(backoff.next()).await;
        let Some(gate) = recovery.0.upgrade() else { return };
        gate.note_probe();
        if gate.is_closed() || gate.is_well().await {
            return;
        }
    }
}

/// Closes the breaker when the probe ends, also if its runtime went away: then callers find out
/// for themselves, and the next failures start another probe.
struct Recovery(Weak<Gate>);

impl Drop for Recovery {
    fn drop(&mut self) {
        if let Some(gate) = self.0.upgrade() {
            gate.recovered();
        }
    }
}
