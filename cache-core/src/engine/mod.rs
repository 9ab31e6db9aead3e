//! From a call to its answer: near, then remote, then the loader.

pub(crate) mod answer;
mod batch;
mod bulkhead;
mod decide;
pub(crate) mod fence;
mod flight;
mod haul;
mod keep;
mod lead;
pub(crate) mod loaded;
#[cfg(model)]
#[cfg(test)]
mod models;
pub(crate) mod pack;
mod write;

use std::any::Any;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::sleep;

use self::answer::{Answer, Sharing, Value};
use self::bulkhead::{Bulkhead, Turn};
use self::fence::Fences;
use self::flight::{Flights, Landing, Seat, Shared};
use self::loaded::Loaded;
use self::pack::Packer;
use crate::clock::Clock;
use crate::codec::Codec;
use crate::key::Key;
use crate::level::ears::Ears;
use crate::level::near::{Near, NearEntry, NearUsage};
use crate::level::remote::Remote;
use crate::policy::{CallOptions, Settings, TtlTable};
use crate::stats::{CacheCounters, Closed, EntityCounters, Health, Outcome, Stats};

/// The parts of a cache, and the line that a call takes through them.
#[derive(Debug)]
pub(crate) struct Engine {
    near: Option<Arc<dyn Near>>,
    remote: Option<Arc<Remote>>,
    flights: Flights,
    bulkhead: Bulkhead,
    fences: Arc<Fences>,
    packer: Packer,
    clock: Arc<dyn Clock>,
    table: TtlTable,
    settings: Settings,
    counters: Arc<CacheCounters>,
    warned_of_table: AtomicBool,
}

/// What an engine is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) near: Option<Arc<dyn Near>>,
    pub(crate) remote: Option<Arc<dyn crate::backend::Backend>>,
    pub(crate) codec: Arc<dyn Codec>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) table: TtlTable,
    pub(crate) settings: Settings,
}

/// One call: what it is about and what it asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) key: &'a Key,
    pub(crate) options: &'a CallOptions,
    pub(crate) counters: &'a Arc<EntityCounters>,
    /// Whether the load may name tags.
    pub(crate) late_tags: bool,
}

/// What a caller asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) options: &'a CallOptions,
    /// Whether the load may name tags.
    pub(crate) late_tags: bool,
}

impl Engine {
    /// Puts the parts together, for keys that begin with `prefix`.
    pub(crate) fn new(prefix: &[u8], parts: Parts) -> Self {
        let Parts { near, remote, codec, clock, table, settings } = parts;
        let (counters, fences) = (Arc::<CacheCounters>::default(), Arc::new(Fences::new()));
        let remote = remote.map(|backend| {
            let (counters, fences) = (Arc::clone(&counters), Arc::clone(&fences));
            let (near, clock) = (near.clone(), Arc::clone(&clock));
            let (news, bumps) = (Arc::clone(&counters), Arc::clone(&fences));
            let ears = Ears::new(prefix, settings.degraded_ttl, bumps, near, clock, news);
            let longest = table.longest();
            let settings = settings.clone();
            Arc::new(Remote::new(backend, Arc::new(ears), settings, longest, counters, fences))
        });
        let packer = Packer::new(codec, Arc::clone(&clock), &settings, Arc::clone(&counters));
        let (flights, warned_of_table) = (Flights::new(), AtomicBool::new(false));
        let bulkhead = Bulkhead::new(&settings, Arc::clone(&counters));
        Self {
            near,
            remote,
            flights,
            bulkhead,
            fences,
            packer,
            clock,
            table,
            settings,
            counters,
            warned_of_table,
        }
    }

    /// Answers a call that a near entry can answer.
    pub(crate) fn near_hit<V: Value>(&self, key: &Key) -> Option<Answer<V>> {
        let (value, entry) = self.probe_near(key)?;
        entry.counters.near_hits.add_one();
        Some(Answer::new(value, Outcome::NearHit))
    }

    /// Answers a call that no near entry could answer.
    pub(crate) async fn fetch<V, E, F, Fut>(
        &self,
        key: &Key,
        options: Asked<'_>,
        sharing: Sharing<E>,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let counters = self.counters.entities.of(key.entity());
        let Asked { options, late_tags } = options;
        let call = Call { key, options, counters: &counters, late_tags };
        let result = if key.is_too_long() {
            self.bypass(call, load).await
        } else {
            self.fly(call, sharing, load).await
        };
        match &result {
            Ok(answer) => counters.answered(answer.outcome),
            Err(_) => counters.failed.add_one(),
        }
        let outcome = result.as_ref().map_or("failed", |answer| answer.outcome.as_str());
        tracing::debug!(entity = key.entity(), outcome, "answered");
        result
    }

    pub(crate) fn stats(&self) -> Stats {
        let counters = &self.counters;
        Stats {
            entities: counters.entities.read().collect(),
            near: self.near.as_ref().map_or_else(NearUsage::default, |near| near.usage()),
            in_flight: self.flights.len() as u64,
            remote_errors: counters.remote_errors.read(),
            remote_timeouts: counters.remote_timeouts.read(),
            remote_slow: counters.remote_slow.read(),
            remote_rejections: counters.remote_rejections.read(),
            breaker_openings: counters.breaker_openings.read(),
            fenced_fills: counters.fenced_fills.read(),
            waits_given_up: counters.waits_given_up.read(),
            invalidations: counters.invalidations.read(),
            invalidations_journalled: counters.invalidations_journalled.read(),
            invalidations_replayed: counters.invalidations_replayed.read(),
            journal_depth: self.remote.as_ref().map_or(0, |remote| remote.owed() as u64),
            journal_overflows: counters.journal_overflows.read(),
            leases_left: counters.leases_left.read(),
            loads_queued: counters.loads_queued.read(),
            loads_over_limit: counters.loads_over_limit.read(),
            news: counters.news.read(),
            strangers: self.remote.as_ref().map_or(0, |remote| remote.ears().strangers()),
            keys_too_long: counters.keys_too_long.read(),
            payload_bytes: counters.payload_bytes.read(),
            stored_bytes: counters.stored_bytes.read(),
            values_too_large: counters.values_too_large.read(),
            values_unsupported: counters.values_unsupported.read(),
            flaws: counters.flaws.read().collect(),
        }
    }

    pub(crate) fn health(&self) -> Health {
        Health { remote: self.remote.as_ref().map(|remote| remote.health()) }
    }

    pub(crate) async fn close(&self) -> Closed {
        match &self.remote {
            Some(remote) => remote.close().await,
            None => Closed::default(),
        }
    }

    async fn bypass<V, E, F, Fut>(&self, call: Call<'_>, load: F) -> Result<Answer<V>, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        self.counters.keys_too_long.add_one();
        let _turn = self.turn().await;
        call.counters.loads.add_one();
        Ok(Answer::new(load().await?.value, Outcome::Bypass))
    }

    /// Waits for a load's turn, while there is no remote level to spare the source most of them.
    async fn turn(&self) -> Option<Turn<'_>> {
        match &self.remote {
            Some(remote) if remote.is_down() => Some(self.bulkhead.pass().await),
            _ => None,
        }
    }

    /// Returns the near value of `key`, if its time and its fences allow that.
    fn probe_near<V: Value>(&self, key: &Key) -> Option<(Arc<V>, Arc<NearEntry>)> {
        // The text of a key that is too long is cut off, and may be that of another.
        let near = self.near.as_ref().filter(|_| !key.is_too_long())?;
        let entry = near.get(key)?;
        let now = self.clock.monotonic();
        let is_trusted = || self.remote.as_ref().is_none_or(|it| it.ears().trust(&entry, now));
        let is_live = entry.live.load(Ordering::Acquire) && now < entry.expires && is_trusted();
        if !is_live || !self.fences.groups_hold(&entry.snapshot) {
            return None;
        }
        let value = Arc::clone(&entry.value).downcast::<V>().ok()?;
        Some((value, entry))
    }

    /// Shares the load with whoever else asks for the same key now.
    ///
    /// Who has waited too long leaves the flight and shares another, so that a slow load does not
    /// become one load per caller.
    async fn fly<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        sharing: Sharing<E>,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let loader = Loader::new(load);
        let (mut patience, mut wait) = (self.settings.wait, self.settings.wait);
        loop {
            let seat = self.flights.join::<V>(call.key, call.late_tags, &self.fences);
            let mut own = None;
            let (own_result, loader_here, sharing_here) = (&mut own, &loader, &sharing);
            let snapshot = Arc::clone(seat.snapshot());
            let lead = move || async move {
                let Some(load) = loader_here.take() else { return Landing::Failed(None) };
                let result = self.lead(call, snapshot, patience, load).await;
                landing(own_result.insert(result), sharing_here)
            };
            let landing = land_within(wait, &seat, &loader, lead).await;
            if let Some(result) = own {
                return result;
            }
            if let Some(landing) = landing {
                return self.follow(call, sharing, loader, landing).await;
            }
            self.counters.waits_given_up.add_one();
            seat.abandon();
            // Longer each time: loads that outlast every wait would answer one caller per wait.
            (patience, wait) = (Duration::ZERO, wait.saturating_mul(2));
        }
    }

    /// Takes what another's load came to, or asks the loader where that cannot be shared.
    async fn follow<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        sharing: Sharing<E>,
        loader: Loader<F>,
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
                    call.counters.coalesced.add_one();
                    return Ok(Answer::new(value, outcome));
                }
            }
            Landing::Failed(error) => {
                if let Some(error) = error.and_then(|error| (sharing.unpack)(&error)) {
                    call.counters.coalesced.add_one();
                    return Err(error);
                }
            }
        }
        let load = loader.take().expect("a caller that did not lead still has its loader");
        let snapshot = Arc::new(self.fences.snapshot(call.key));
        self.lead(call, snapshot, Duration::ZERO, load).await
    }
}

/// A loader that runs at most once, whoever gets to it.
struct Loader<F>(Mutex<Option<F>>);

impl<F> Loader<F> {
    fn new(load: F) -> Self {
        Self(Mutex::new(Some(load)))
    }

    fn take(&self) -> Option<F> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_taken(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// Waits for the landing; `None` if somebody else's load takes longer than `wait`.
async fn land_within<F, L, Fut>(
    wait: Duration,
    seat: &Seat<'_>,
    loader: &Loader<F>,
    lead: L,
) -> Option<Landing>
where
    L: FnOnce() -> Fut,
    Fut: Future<Output = Landing>,
{
    match select(pin!(seat.land(lead)), pin!(sleep(wait))).await {
        Either::Left((landing, _)) => Some(landing),
        Either::Right(((), landing)) if loader.is_taken() => Some(landing.await),
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
