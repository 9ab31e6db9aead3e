//! From a call to its answer: near, then remote, then the loader.

pub(crate) mod answer;
mod background;
mod backoff;
mod batch;
mod bulkhead;
pub(crate) mod decide;
pub(crate) mod fence;
mod flight;
mod freshen;
mod haul;
mod keep;
mod lead;
pub(crate) mod loaded;
#[cfg(model)]
#[cfg(test)]
mod models;
pub(crate) mod nones;
mod note;
pub(crate) mod owned;
pub(crate) mod pack;
mod share;
mod table;
mod times;
mod upkeep;
mod write;

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::Instrument;

use self::answer::{Answer, Sharing, Value};
use self::background::Background;
use self::backoff::Backoff;
use self::bulkhead::{Bulkhead, Turn};
use self::decide::is_early;
use self::fence::Fences;
use self::flight::Flights;
use self::loaded::Loaded;
use self::nones::Nones;
use self::pack::Packer;
use self::share::Loader;
use self::table::Table;
use crate::ErrorKind;
use crate::cache::Started;
use crate::clock::Clock;
use crate::codec::Codec;
use crate::key::Key;
use crate::level::board::Board;
use crate::level::ears::Ears;
use crate::level::near::{Near, NearEntry, NearUsage};
use crate::level::remote::Remote;
use crate::policy::advice::Facts;
use crate::policy::{CallOptions, Settings, TtlTable};
use crate::random::random;
use crate::stats::{
    CacheCounters, Closed, Event, Health, Line, LoadKind, Observer, Outcome, Stats, sum, sums,
};

/// The parts of a cache, and the line that a call takes through them.
#[derive(Debug)]
pub(crate) struct Engine {
    near: Option<Arc<dyn Near>>,
    remote: Option<Arc<Remote>>,
    flights: Flights,
    /// The loads of values that are there, but stale.
    refreshes: Flights,
    backoff: Backoff,
    background: Arc<Background>,
    bulkhead: Bulkhead,
    fences: Arc<Fences>,
    packer: Packer,
    clock: Arc<dyn Clock>,
    table: Table,
    nones: Nones,
    /// What the way it was built leads to.
    board: Board,
    settings: Settings,
    counters: Arc<CacheCounters>,
    /// The list that is warmed at the start.
    warmups: Mutex<Option<(Started, AbortHandle)>>,
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
    pub(crate) observers: Vec<Arc<dyn Observer>>,
}

impl Parts {
    fn facts<'a>(&'a self, prefix: &'a [u8]) -> Facts<'a> {
        let namespace = std::str::from_utf8(prefix).unwrap_or_default().trim_end_matches(':');
        let remote = self.remote.as_ref().map(|backend| backend.capabilities());
        let (settings, table, has_near) = (&self.settings, &self.table, self.near.is_some());
        Facts { namespace, settings, table, has_near, remote }
    }
}

/// One call: what it is about and what it asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) key: &'a Key,
    pub(crate) options: &'a CallOptions,
    /// Where it is counted.
    pub(crate) line: &'a Arc<Line>,
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
        let board = Board::new(parts.settings.advice);
        board.put(parts.facts(prefix).advice());
        let Parts { near, remote, codec, clock, table, settings, observers } = parts;
        let counters = Arc::new(CacheCounters::new(observers));
        let fences = Arc::new(Fences::new());
        let remote = remote.map(|backend| {
            let (counters, fences) = (Arc::clone(&counters), Arc::clone(&fences));
            let (near, clock) = (near.clone(), Arc::clone(&clock));
            let (news, bumps) = (Arc::clone(&counters), Arc::clone(&fences));
            let ears = Ears::new(prefix, settings.degraded_ttl, bumps, near, clock, news);
            let longest = table.longest();
            let settings = settings.clone();
            Arc::new(Remote::new(backend, Arc::new(ears), settings, longest, counters, fences))
        });
        let packer = Packer::new(codec, Arc::clone(&clock), &settings);
        let (flights, refreshes) = (Flights::new(), Flights::new());
        let (backoff, background) = (Backoff::new(&settings), Background::new(&settings));
        let table = Table::new(table, clock.monotonic());
        let nones = Nones::new(&settings);
        let bulkhead = Bulkhead::new(&settings, Arc::clone(&counters));
        Self {
            near,
            remote,
            flights,
            refreshes,
            backoff,
            background: Arc::new(background),
            bulkhead,
            fences,
            packer,
            clock,
            table,
            nones,
            board,
            settings,
            counters,
            warmups: Mutex::default(),
        }
    }

    /// Answers a call that a near entry can answer.
    pub(crate) fn near_hit<V: Value>(&self, key: &Key) -> Option<Answer<V>> {
        match self.near(key) {
            Probe::Hit(answer) => Some(answer),
            Probe::Missing | Probe::Stale(_) => None,
        }
    }

    /// Looks near, and counts a hit.
    pub(crate) fn near<V: Value>(&self, key: &Key) -> Probe<V> {
        let Some((probe, entry)) = self.look_near(key) else { return Probe::Missing };
        if matches!(probe, Probe::Hit(_)) {
            entry.line.near_hit();
        }
        probe
    }

    /// Answers a call that no near entry could answer, unless with a `stale` value.
    pub(crate) async fn fetch<V, E, F, Fut>(
        &self,
        key: &Key,
        asked: Asked<'_>,
        sharing: Sharing<E>,
        stale: Option<Arc<V>>,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let (line, started) = (self.line(key), self.clock.monotonic());
        let call = Call::new(key, asked, &line);
        let result = if key.is_too_long() {
            self.bypass(call, load).await
        } else {
            self.serve(call, &sharing, stale, &Loader::new(load)).await
        };
        self.note_answer(&line, started, &result);
        result
    }

    /// Answers a call, and has a stale value loaded again by one of those who ask for it.
    async fn serve<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        sharing: &Sharing<E>,
        stale: Option<Arc<V>>,
        loader: &Loader<F>,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let stale = match stale {
            Some(value) => value,
            None => match self.fly(call, sharing, loader).await? {
                Answer { value, outcome: Outcome::Stale, .. } => value,
                answer => return Ok(answer),
            },
        };
        Ok(self.freshen(call, stale, loader).await)
    }

    pub(crate) fn stats(&self) -> Stats {
        let counters = &self.counters;
        let tiers = counters.lines.read();
        let entities = sums(&tiers);
        let lines = sum(entities.values());
        Stats {
            entities,
            tiers,
            near: self.near.as_ref().map_or_else(NearUsage::default, |near| near.usage()),
            in_flight: (self.flights.len() + self.refreshes.len()) as u64,
            in_background: self.background.len() as u64,
            background_refused: counters.background_refused.read(),
            soft_timeouts: counters.soft_timeouts.read(),
            hard_timeouts: counters.hard_timeouts.read(),
            remote_errors: counters.remote_errors.sum(|kind| kind != ErrorKind::Timeout),
            remote_errors_by_kind: counters.remote_errors.read().collect(),
            remote_timeouts: counters.remote_errors.sum(|kind| kind == ErrorKind::Timeout),
            remote_heard_ms_ago: self.remote.as_ref().and_then(|remote| remote.heard_ms_ago()),
            remote_slow: counters.remote_slow.read(),
            remote_rejections: counters.remote_rejections.read(),
            breaker_openings: counters.breaker_openings.read(),
            fenced_fills: lines.fenced_fills,
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
            payload_bytes: lines.payload_bytes,
            stored_bytes: lines.stored_bytes,
            values_too_large: counters.values_too_large.read(),
            values_unsupported: counters.values_unsupported.read(),
            ttls_unknown: counters.ttls_unknown.read(),
            nones_over_limit: counters.nones_over_limit.read(),
            flaws: counters.flaws.read().collect(),
        }
    }

    pub(crate) fn health(&self) -> Health {
        let warmups = self.warmups.lock().unwrap_or_else(PoisonError::into_inner);
        let warming = warmups.as_ref().map_or_else(Vec::new, |(started, _)| started.progress());
        let remote = self.remote.as_ref().map(|remote| remote.health());
        Health { remote, warming, ttl_table: self.table.health(self.clock.monotonic()) }
    }

    pub(crate) async fn close(&self) -> Closed {
        let (within, started) = (self.settings.close_timeout, Instant::now());
        self.end_warmups(None);
        // First: what they load may still be kept.
        let loads_left = self.background.close(within / 2).await;
        let closed = match &self.remote {
            Some(remote) => remote.close(within.saturating_sub(started.elapsed())).await,
            None => Closed::default(),
        };
        closed.with_loads(loads_left)
    }

    pub(crate) fn hard_timeout(&self, options: &CallOptions) -> Option<Duration> {
        options.hard().or(self.settings.hard_timeout)
    }

    async fn bypass<V, E, F, Fut>(&self, call: Call<'_>, load: F) -> Result<Answer<V>, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        self.note(Event::KeyTooLong);
        let _turn = self.turn().await;
        let started = self.begin_load(call.line, LoadKind::First);
        let loaded = load().instrument(call.line.load(LoadKind::First)).await;
        self.end_load(call.line, LoadKind::First, started, &loaded);
        Ok(Answer::new(loaded?.value, Outcome::Bypass))
    }

    /// Waits for a load's turn, while there is no remote level to spare the source most of them.
    async fn turn(&self) -> Option<Turn<'_>> {
        match &self.remote {
            Some(remote) if remote.is_down() => Some(self.bulkhead.pass().await),
            _ => None,
        }
    }

    /// As [`near`](Self::near), without counting.
    fn probe_near<V: Value>(&self, key: &Key) -> Probe<V> {
        self.look_near(key).map_or(Probe::Missing, |(probe, _)| probe)
    }

    /// Looks for a near value that its time and its fences allow.
    fn look_near<V: Value>(&self, key: &Key) -> Option<(Probe<V>, Arc<NearEntry>)> {
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
        let left = entry.fresh_until().saturating_sub(now);
        if left.is_zero() {
            return Some((Probe::Stale(value), entry));
        }
        let is_due = now >= entry.calm_until && is_early(left, entry.early(), random());
        Some((Probe::Hit(Answer { is_due, ..Answer::new(value, Outcome::NearHit) }), entry))
    }
}

/// What a look into the near level found.
#[derive(Debug)]
pub(crate) enum Probe<V> {
    Hit(Answer<V>),
    Missing,
    Stale(Arc<V>),
}

impl<'a> Call<'a> {
    fn new(key: &'a Key, asked: Asked<'a>, line: &'a Arc<Line>) -> Self {
        let Asked { options, late_tags } = asked;
        Self { key, options, line, late_tags }
    }

    /// A call whose load names no tags.
    fn plain(key: &'a Key, options: &'a CallOptions, line: &'a Arc<Line>) -> Self {
        Self::new(key, Asked { options, late_tags: false }, line)
    }
}
