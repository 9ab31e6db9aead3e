//! The remote level: a backend behind a deadline and a breaker.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join;
use smallvec::SmallVec;
use tokio::time::{Instant, sleep, timeout};

use super::breaker::{Backoff, Breaker};
use super::ears::Ears;
use super::numbers::Numbers;
use super::ticket::Ticket;
use crate::backend::{
    Backend, LeaseRequest, ListenOptions, Listener, SetMode, SetOptions, SetOutcome, Slot,
    is_outage,
};
use crate::engine::fence::Fences;
use crate::group::{Generation, Group};
use crate::key::Key;
use crate::policy::Settings;
use crate::stats::{CacheCounters, RemoteHealth, RemoteState};
use crate::wire::{Flaw, Stamp};
use crate::{Error, ErrorKind, Result};

/// The groups of an entry and their numbers, as an envelope carries them.
pub(crate) type Generations = SmallVec<[(u64, u64); 4]>;

/// A backend that never holds a caller up for longer than the settings say.
#[derive(Debug)]
pub(crate) struct Remote {
    backend: Arc<dyn Backend>,
    breaker: Breaker,
    ears: Arc<Ears>,
    numbers: Numbers,
    closed: AtomicBool,
    /// When the probe last showed that it lives.
    probed: Mutex<Option<Instant>>,
    settings: Settings,
    longest_ttl: AtomicU64,
    counters: Arc<CacheCounters>,
    fences: Arc<Fences>,
}

/// What a look-up under a lease found.
pub(crate) enum Look {
    /// The remote level did not answer: load, but write nothing there.
    Away,
    /// Somebody else is loading.
    Busy,
    /// Stored bytes, and the current generations of the key's groups.
    Entry(Bytes, Generations),
    /// Nothing; the right to fill it is ours.
    Ours(Ticket),
}

impl Remote {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        ears: Arc<Ears>,
        settings: Settings,
        longest_ttl: Duration,
        counters: Arc<CacheCounters>,
        fences: Arc<Fences>,
    ) -> Self {
        let breaker = Breaker::new(settings.failures_to_open);
        let listener: Weak<dyn Listener> = Arc::<Ears>::downgrade(&ears);
        backend.listen(&ListenOptions::new(ears.prefix(), settings.max_silence), listener);
        let (numbers, closed) = (Numbers::new(), AtomicBool::new(false));
        let longest_ttl = AtomicU64::new(longest_ttl.as_secs());
        Self {
            backend,
            breaker,
            ears,
            numbers,
            closed,
            settings,
            longest_ttl,
            counters,
            fences,
            probed: Mutex::default(),
        }
    }

    /// Whether changes by others are told at present.
    pub(crate) fn ears(&self) -> &Ears {
        &self.ears
    }

    /// Looks `key` up, and takes its lease if nothing is there.
    pub(crate) async fn look(self: &Arc<Self>, key: &Key) -> Look {
        if self.admit().is_err() {
            return Look::Away;
        }
        let request = LeaseRequest::new(self.settings.lease_ttl);
        // Before the call: if it is dropped or times out half-way, the lease may have been taken.
        let ticket = Ticket::new(self, key, request.stamp);
        let Ok((slot, generations)) = self.fetch(key, Some(&request)).await else {
            return Look::Away;
        };
        match slot {
            Slot::Alien => {
                ticket.disarm();
                self.clear_alien(key).await
            }
            Slot::Busy => ticket.disarmed(Look::Busy),
            Slot::Entry(bytes) => ticket.disarmed(Look::Entry(bytes, generations)),
            Slot::Leased => {
                // Who removed the entry may not be told: of two changes at once, the server tells
                // the last, and not to its author, and that was our lease.
                if self.ears.are_listening() {
                    self.ears.forget(key.as_bytes());
                }
                Look::Ours(ticket.under(generations))
            }
            Slot::Missing => ticket.disarmed(Look::Away),
        }
    }

    /// Looks `key` up without wanting to fill it.
    pub(crate) async fn peek(self: &Arc<Self>, key: &Key) -> Option<(Bytes, Generations)> {
        match self.fetch(key, None).await {
            Ok((Slot::Entry(bytes), generations)) => Some((bytes, generations)),
            _ => None,
        }
    }

    /// Takes the lease of a key whose entry cannot be used, by putting it in the entry's place;
    /// `None` if somebody else was faster.
    pub(crate) async fn claim(
        self: &Arc<Self>,
        key: &Key,
        unusable: &[u8],
        generations: Generations,
    ) -> Result<Option<Ticket>> {
        let ticket = self.place(key, SetMode::IfStamp(Stamp::of(unusable))).await?;
        Ok(ticket.map(|ticket| ticket.under(generations)))
    }

    /// Takes the lease of a key whatever is there, for a writer who knows the new value.
    pub(crate) async fn seize(self: &Arc<Self>, key: &Key) -> Result<Ticket> {
        let groups: Vec<Group> = key.groups().collect();
        let generations = match self.known(&groups) {
            Some(known) => known,
            None => self.call(self.ask(&groups)).await?,
        };
        let ticket = self.place(key, SetMode::Always).await?;
        let refused = || Error::new(ErrorKind::Backend, "an unconditional write was refused");
        Ok(ticket.ok_or_else(refused)?.under(generations))
    }

    /// Replaces what begins with `stamp` by `entry`.
    pub(super) async fn replace(
        self: &Arc<Self>,
        key: &Key,
        entry: Bytes,
        stamp: Stamp,
        ttl: Duration,
    ) -> Result<SetOutcome> {
        let options = SetOptions::new(ttl, SetMode::IfStamp(stamp));
        self.call(self.backend.set(key, entry, &options)).await
    }

    /// Gives a lease back, if that can be done before it ends by its own TTL.
    ///
    /// An outage must not end it: the lease would outlast the outage, and everybody would wait for
    /// a fill that nobody makes.
    pub(super) async fn release(this: Weak<Self>, key: Key, stamp: Stamp) {
        let started = Instant::now();
        loop {
            let Some(remote) = this.upgrade() else { return };
            let is_over = remote.closed.load(Ordering::Acquire)
                || started.elapsed() >= remote.settings.lease_ttl;
            let tried = !remote.breaker.is_open();
            if is_over || (tried && remote.call(remote.backend.release(&key, &stamp)).await.is_ok())
            {
                return;
            }
            let pause = remote.settings.retry_min;
            drop(remote);
            sleep(pause).await;
        }
    }

    /// Removes entries and leases, so that no load under way can fill them.
    pub(crate) async fn invalidate(self: &Arc<Self>, keys: &[Key]) -> Result<()> {
        self.call(self.backend.invalidate(keys)).await
    }

    /// Ends every entry of `groups`.
    pub(crate) async fn advance(self: &Arc<Self>, groups: &[Group]) -> Result<()> {
        self.call(self.backend.advance(groups, self.generation_ttl())).await
    }

    /// Ends the backend's work. The remote level is then down for good.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.breaker.open();
        self.backend.close().await;
    }

    pub(crate) fn health(&self) -> RemoteHealth {
        let down = self.breaker.is_open();
        RemoteHealth {
            backend: self.backend.to_string(),
            state: if down { RemoteState::Down } else { RemoteState::Up },
            listening: self.ears.are_listening(),
            problem: self.breaker.problem().map(|problem| problem.to_string()),
        }
    }

    /// Notes how long an entry will live, so that its groups' numbers outlive it.
    pub(crate) fn note_ttl(&self, ttl: Duration) {
        self.longest_ttl.fetch_max(ttl.as_secs(), Ordering::Relaxed);
    }

    /// A group's number must outlive the entries that carry it, or they would be lost early.
    fn generation_ttl(&self) -> Duration {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        (Duration::from_secs(self.longest_ttl.load(Ordering::Relaxed)) * 2).max(DAY)
    }

    async fn fetch(
        self: &Arc<Self>,
        key: &Key,
        lease: Option<&LeaseRequest>,
    ) -> Result<(Slot, Generations)> {
        let groups: Vec<Group> = key.groups().collect();
        let entry = self.backend.get(std::slice::from_ref(key), lease);
        if self.known(&groups).is_some() {
            let slot = one(self.call(entry).await?);
            // What changed before the entry was read was told before it was returned.
            return match self.known(&groups) {
                Some(known) => Ok((slot, known)),
                None => Ok((slot, self.call(self.ask(&groups)).await?)),
            };
        }
        let (slots, generations) = self.call(try_join(entry, self.ask(&groups))).await?;
        Ok((one(slots), generations))
    }

    /// Returns the generations of `groups` if they are known here and would be told of otherwise.
    fn known(&self, groups: &[Group]) -> Option<Generations> {
        let known = self.numbers.of(groups, &self.fences)?;
        self.ears.are_listening().then_some(known)
    }

    /// Asks the backend for the generations of `groups`.
    async fn ask(&self, groups: &[Group]) -> Result<Generations> {
        let stands = groups.iter().map(|group| self.fences.group_stand(group)).collect();
        let generations = self.backend.generations(groups, self.generation_ttl()).await?;
        self.numbers.keep(groups, &stands, &generations);
        let numbers = generations.into_iter().map(Generation::number);
        Ok(groups.iter().map(Group::id).zip(numbers).collect())
    }

    /// Puts a lease where `mode` allows it.
    async fn place(self: &Arc<Self>, key: &Key, mode: SetMode) -> Result<Option<Ticket>> {
        let request = LeaseRequest::new(self.settings.lease_ttl);
        let ticket = Ticket::new(self, key, request.stamp);
        let lease = Bytes::copy_from_slice(request.stamp.as_bytes());
        let options = SetOptions::new(request.ttl, mode);
        match self.call(self.backend.set(key, lease, &options)).await? {
            SetOutcome::Echoed | SetOutcome::Stored => Ok(Some(ticket)),
            SetOutcome::Refused => Ok(ticket.disarmed(None)),
        }
    }

    /// Removes what cannot even be compared, so that the next look can take the lease.
    async fn clear_alien(self: &Arc<Self>, key: &Key) -> Look {
        self.counters.flaws.count(Flaw::Foreign);
        match self.invalidate(std::slice::from_ref(key)).await {
            Ok(()) => Look::Busy,
            Err(_) => Look::Away,
        }
    }

    /// Performs one operation within the deadline, unless the remote level is down.
    async fn call<T>(self: &Arc<Self>, operation: impl Future<Output = Result<T>>) -> Result<T> {
        self.admit()?;
        let late = |_| Err(Error::new(ErrorKind::Timeout, "no answer within `remote_timeout`"));
        let result = timeout(self.settings.remote_timeout, operation).await.unwrap_or_else(late);
        match &result {
            Ok(_) => self.breaker.succeeded(),
            Err(error) => self.failed(error),
        }
        result
    }

    fn admit(self: &Arc<Self>) -> Result<()> {
        if !self.breaker.is_open() {
            return Ok(());
        }
        self.counters.remote_rejections.add_one();
        if !self.closed.load(Ordering::Acquire) && self.is_probe_lost() {
            self.start_probe();
        }
        Err(Error::new(ErrorKind::Backend, "the remote level is down"))
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

    fn failed(self: &Arc<Self>, error: &Error) {
        match error.kind() {
            ErrorKind::Timeout => self.counters.remote_timeouts.add_one(),
            _ => self.counters.remote_errors.add_one(),
        }
        if is_outage(error.kind()) && self.breaker.failed(error.clone()) {
            self.counters.breaker_openings.add_one();
            tracing::warn!(backend = %self.backend, %error, "remote level down");
            self.start_probe();
        }
    }

    /// Asks the backend whether it is well; past the breaker, within the deadline.
    async fn is_well(&self) -> bool {
        matches!(timeout(self.settings.remote_timeout, self.backend.ping()).await, Ok(Ok(())))
    }

    /// Uses the remote level again. Near entries from the outage could not hear of invalidations.
    fn recovered(&self) {
        if self.closed.load(Ordering::Acquire) {
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
        let Some(remote) = recovery.0.upgrade() else { return };
        remote.note_probe();
        if remote.closed.load(Ordering::Acquire) || remote.is_well().await {
            return;
        }
    }
}

/// Closes the breaker when the probe ends, also if its runtime went away: then callers find out
/// for themselves, and the next failures start another probe.
struct Recovery(Weak<Remote>);

impl Drop for Recovery {
    fn drop(&mut self) {
        if let Some(remote) = self.0.upgrade() {
            remote.recovered();
        }
    }
}

fn one(slots: Vec<Slot>) -> Slot {
    slots.into_iter().next().unwrap_or(Slot::Missing)
}
