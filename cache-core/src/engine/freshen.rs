//! The way of a stale value: who serves it, and who loads it again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::answer::{Answer, Value};
use super::fence::Snapshot;
use super::flight::Landing;
use super::lead::Step;
use super::loaded::Loaded;
use super::share::Loader;
use super::{Call, Engine};
use crate::key::Key;
use crate::level::look::Look;
use crate::level::ticket::Ticket;
use crate::policy::CallOptions;
use crate::stats::{Event, LoadKind, Outcome};

/// What becomes of a refresh.
#[allow(clippy::large_enum_variant, reason = "moved once, never stored")]
pub(super) enum Refresh<V> {
    /// Somebody else has refreshed it.
    Done(Answer<V>),
    /// What is loaded may not be kept.
    Held,
    /// It is ours; the ticket is there unless the remote level is away.
    Ours(Option<Ticket>),
    /// Somebody else refreshes it.
    Taken,
}

impl Engine {
    /// Answers with a stale value, or with a new one if that is to be had in time.
    ///
    /// Of those who ask for it at the same time one loads, here and on all instances; it waits for
    /// its loader, and the others do as long as `soft_timeout`. Nobody loads for a while after that
    /// failed.
    pub(super) async fn freshen<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        stale: Arc<V>,
        loader: &Loader<F>,
    ) -> Answer<V>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let stale = Answer::new(stale, Outcome::Stale);
        if self.is_resting(call.key) {
            return stale;
        }
        let seat = self.refreshes.join::<V>(call.key, call.late_tags, &self.fences);
        let soft = self.soft_timeout(call.options);
        if !seat.is_first() && soft.is_zero() {
            return stale;
        }
        let snapshot = Arc::clone(seat.snapshot());
        let lead = || async move { self.refresh(call, snapshot, loader).await };
        let landing = seat.land(lead);
        if soft.is_zero() {
            return answered(landing.await).unwrap_or(stale);
        }
        match timeout(soft, landing).await {
            Ok(landing) => answered(landing).unwrap_or(stale),
            Err(_) => {
                self.note_soft_timeout(call.key);
                stale
            }
        }
    }

    /// Has those who ask next not wait in their turn.
    pub(super) fn note_soft_timeout(&self, key: &Key) {
        self.note(Event::SoftTimeout);
        self.backoff.elsewhere(key.local_hash(), self.clock.monotonic());
    }

    /// Whether a key is left alone, as its loads fail or another refreshes it.
    pub(super) fn is_resting(&self, key: &Key) -> bool {
        self.rest(key).is_some()
    }

    /// Returns how long a caller waits where a stale value is at hand.
    pub(super) fn soft_timeout(&self, options: &CallOptions) -> Duration {
        options.soft().unwrap_or(self.settings.soft_timeout)
    }

    /// Loads a value again that is stale or soon will be, unless somebody else does.
    pub(super) async fn refresh<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        flight: Arc<Snapshot>,
        loader: &Loader<F>,
    ) -> Landing
    where
        V: Value,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        flight.note_loading(false);
        let refresh = self.right_to_refresh::<V>(call, &flight).await;
        flight.note_loading(true);
        let ticket = match refresh {
            Refresh::Done(answer) => return Landing::Value(answer.value, answer.outcome),
            Refresh::Taken => {
                self.backoff.elsewhere(call.key.local_hash(), self.clock.monotonic());
                return Landing::Failed(None);
            }
            Refresh::Held => None,
            Refresh::Ours(ticket) => Some(ticket),
        };
        match (self.run(call, LoadKind::Refresh, loader).await, ticket) {
            (Ok((loaded, cost)), Some(ticket)) => {
                self.keep(call, &loaded, cost, ticket, &flight).await;
                Landing::Value(loaded.value, Outcome::Loaded)
            }
            (Ok((loaded, _)), None) => Landing::Value(loaded.value, Outcome::Loaded),
            (Err(_), ticket) => {
                if let (Some(ticket), Some(rest)) = (ticket.flatten(), self.rest(call.key)) {
                    ticket.rest(rest).await;
                }
                Landing::Failed(None)
            }
        }
    }

    /// Returns how much longer a key is left alone.
    fn rest(&self, key: &Key) -> Option<Duration> {
        self.backoff.left(key.local_hash(), self.clock.monotonic())
    }

    /// Takes the right to refresh a value, and looks once more whether it needs that still.
    pub(super) async fn right_to_refresh<V: Value>(
        &self,
        call: Call<'_>,
        snapshot: &Snapshot,
    ) -> Refresh<V> {
        let Some(remote) = &self.remote else { return Refresh::Ours(None) };
        // Before the look: whoever had it before has written what he loaded.
        let lease = match remote.reserve(call.key).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return Refresh::Taken,
            Err(_) => return Refresh::Ours(None),
        };
        let found = match remote.look(call.key, call.late_tags).await {
            Look::Away => return Refresh::Ours(None),
            Look::Busy => return Refresh::Taken,
            Look::Held => return Refresh::Held,
            Look::Ours(ticket) => {
                self.note_lease(call.key, snapshot);
                return Refresh::Ours(Some(ticket));
            }
            Look::Entry(found) => found,
        };
        match self.open::<V>(call, snapshot, &found) {
            Ok(opened) if opened.is_calm() => Refresh::Done(opened.answer()),
            Ok(_) => Refresh::Ours(Some(remote.refresh(call.key, found, lease))),
            Err(unusable) => {
                self.note_unusable(call, unusable);
                match self.claim::<V>(call.key, snapshot, found).await {
                    Step::Load(ticket) => Refresh::Ours(ticket),
                    Step::Found(_) | Step::Held | Step::Wait => Refresh::Taken,
                }
            }
        }
    }
}

/// Returns what a refresh was answered with.
pub(super) fn answered<V: Value>(landing: Landing) -> Option<Answer<V>> {
    match landing {
        Landing::Value(value, outcome) => Some(Answer::new(value.downcast::<V>().ok()?, outcome)),
        Landing::Failed(_) => None,
    }
}
