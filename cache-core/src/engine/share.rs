//! The way of callers that share a load.

use std::any::Any;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::sleep;

use super::answer::{Answer, Sharing, Value};
use super::flight::{Landing, Seat, Shared};
use super::loaded::Loaded;
use super::{Call, Engine};
use crate::stats::{Event, LineEvent};

impl Engine {
    /// Shares the load with whoever else asks for the same key now. A stale value is not loaded
    /// again: the loader is left as it is.
    ///
    /// Who has waited too long leaves the flight and shares another, so that a slow load does not
    /// become one load per caller.
    pub(super) async fn fly<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        sharing: &Sharing<E>,
        loader: &Loader<F>,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let (mut patience, mut wait) = (self.settings.wait, self.settings.wait);
        loop {
            let seat = self.flights.join::<V>(call.key, call.late_tags, &self.fences);
            let (mut own, leads) = (None, AtomicBool::new(false));
            let (own_result, leads_here) = (&mut own, &leads);
            let snapshot = Arc::clone(seat.snapshot());
            let lead = move || async move {
                leads_here.store(true, Ordering::Relaxed);
                let result = self.lead(call, snapshot, patience, loader).await;
                landing(own_result.insert(result), sharing)
            };
            let landing = land_within(wait, &seat, &leads, lead).await;
            if let Some(result) = own {
                return result;
            }
            if let Some(landing) = landing {
                return self.follow(call, sharing, loader, landing).await;
            }
            self.note(Event::WaitGivenUp);
            seat.abandon();
            // Longer each time: loads that outlast every wait would answer one caller per wait.
            (patience, wait) = (Duration::ZERO, wait.saturating_mul(2));
        }
    }

    /// Takes what another's load came to, or asks the loader where that cannot be shared.
    async fn follow<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        sharing: &Sharing<E>,
        loader: &Loader<F>,
        landing: Landing,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        match landing {
            Landing::Value(value, outcome) => {
                if let Ok(value) = value.downcast::<V>() {
                    call.line.note(LineEvent::Coalesced);
                    return Ok(Answer::new(value, outcome));
                }
            }
            Landing::Failed(error) => {
                if let Some(error) = error.and_then(|error| (sharing.unpack)(&error)) {
                    call.line.note(LineEvent::Coalesced);
                    return Err(error);
                }
            }
        }
        let snapshot = Arc::new(self.fences.snapshot(call.key));
        self.lead(call, snapshot, Duration::ZERO, loader).await
    }
}

/// A loader that runs at most once, whoever gets to it.
pub(super) struct Loader<F>(Mutex<Option<F>>);

impl<F> Loader<F> {
    pub(super) fn new(load: F) -> Self {
        Self(Mutex::new(Some(load)))
    }

    /// Starts the load.
    pub(super) fn start<Fut>(&self) -> Fut
    where
        F: FnOnce() -> Fut,
    {
        let load = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        load.expect("a call asks its loader once")()
    }
}

/// Waits for the landing; `None` if somebody else's load takes longer than `wait`.
async fn land_within<L, Fut>(
    wait: Duration,
    seat: &Seat<'_>,
    leads: &AtomicBool,
    lead: L,
) -> Option<Landing>
where
    L: FnOnce() -> Fut,
    Fut: Future<Output = Landing>,
{
    match select(pin!(seat.land(lead)), pin!(sleep(wait))).await {
        Either::Left((landing, _)) => Some(landing),
        Either::Right(((), landing)) if leads.load(Ordering::Relaxed) => Some(landing.await),
        Either::Right(_) => None,
    }
}

fn landing<V: Any + Send + Sync, E>(
    result: &Result<Answer<V>, E>,
    sharing: &Sharing<E>,
) -> Landing {
    match result {
        Ok(answer) => {
            let value: Shared = Arc::<V>::clone(&answer.value);
            Landing::Value(value, answer.outcome)
        }
        Err(error) => Landing::Failed((sharing.pack)(error)),
    }
}
