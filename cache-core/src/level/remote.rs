//! The remote level: a backend behind a gate, and what is known of it here.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;

use super::debt::Debt;
use super::ears::Ears;
use super::gate::{Gate, Parts};
use super::journal::Cover;
use super::look::Found;
use super::numbers::{Generations, Numbers};
use super::phase::Phase;
use super::releases::Releases;
use super::ticket::{Before, Ticket};
use crate::backend::{
    Backend, InvalidateOptions, LeaseRequest, ListenOptions, Listener, SetMode, SetOptions,
    SetOutcome, Slot,
};
use crate::engine::fence::{Fences, Marks};
use crate::group::{Generation, Group};
use crate::key::Key;
use crate::policy::{Advice, Settings};
use crate::stats::{CacheCounters, Closed, RemoteHealth, RemoteState};
use crate::wire::Stamp;
use crate::{Error, ErrorKind, Result};

/// A backend that never holds a caller up for longer than the settings say.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(super) gate: Arc<Gate>,
    ears: Arc<Ears>,
    numbers: Numbers,
    pub(super) settings: Settings,
    pub(super) releases: Arc<Releases>,
    pub(super) counters: Arc<CacheCounters>,
    fences: Arc<Fences>,
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
        let listener: Weak<dyn Listener> = Arc::<Ears>::downgrade(&ears);
        backend.listen(&ListenOptions::new(ears.prefix(), settings.max_silence), listener);
        let parts = Parts {
            backend,
            ears: Arc::clone(&ears),
            longest_ttl,
            settings: settings.clone(),
            counters: Arc::clone(&counters),
            fences: Arc::clone(&fences),
        };
        let gate = Arc::new(Gate::new(parts));
        ears.tell(&gate);
        let releases = Arc::new(Releases::new(Arc::clone(&gate)));
        Self { gate, ears, numbers: Numbers::new(), settings, releases, counters, fences }
    }

    /// Returns what hears of changes by others.
    pub(crate) fn ears(&self) -> &Ears {
        &self.ears
    }

    /// Whether what is read may be behind what was written.
    pub(crate) fn is_lagging(&self) -> bool {
        self.gate.backend.capabilities().lagging
    }

    /// Takes the lease of a key whose entry cannot be used, by putting it in the entry's place;
    /// `None` if somebody else was faster. Says whether news of that will come.
    pub(crate) async fn claim(
        self: &Arc<Self>,
        key: &Key,
        unusable: &[u8],
        before: Before,
    ) -> Result<Option<(Ticket, SetOutcome)>> {
        let placed = self.place(key, SetMode::IfStamp(Stamp::of(unusable))).await?;
        Ok(placed.map(|(ticket, outcome)| (ticket.under(before), outcome)))
    }

    /// Takes the lease that keeps others from refreshing what is under `key`; `None` if somebody else
    /// has it.
    pub(crate) async fn reserve(self: &Arc<Self>, key: &Key) -> Result<Option<Ticket>> {
        let (side, request) = (key.refreshing(), LeaseRequest::new(self.settings.lease_ttl));
        let lease = Ticket::new(self, &side, request.stamp);
        let asked = self.gate.backend.get(std::slice::from_ref(&side), Some(&request));
        match self.gate.call_each(1, asked).await.pop() {
            Some(Ok(Slot::Busy)) => Ok(lease.disarmed(None)),
            Some(Err(error)) => Err(error),
            // What is no lease keeps nobody from refreshing; there is nothing to give back then.
            Some(Ok(_)) | None => Ok(Some(lease)),
        }
    }

    /// Returns the right to replace an entry that can be served still, for a load that begins now.
    pub(crate) fn refresh(self: &Arc<Self>, key: &Key, found: Found, lease: Ticket) -> Ticket {
        let ticket = Ticket::to_refresh(self, key, Stamp::of(&found.bytes));
        ticket.under(found.before).beside(lease)
    }

    /// Whether what is stored under `key` begins with `stamp`; false if that cannot be found out.
    pub(crate) async fn holds(&self, key: &Key, stamp: &Stamp) -> bool {
        self.gate.call(self.gate.backend.holds(key, stamp)).await.unwrap_or(false)
    }

    /// Whether nothing of a group of `key` is kept for now; false if that cannot be found out.
    pub(crate) async fn is_held(self: &Arc<Self>, key: &Key) -> bool {
        let groups: Vec<Group> = key.groups().collect();
        self.generations_now(&groups).await.is_ok_and(|generations| generations.is_held())
    }

    /// Takes the lease of a key whatever is there, for a writer who knows the new value.
    pub(crate) async fn seize(self: &Arc<Self>, key: &Key) -> Result<Ticket> {
        let groups: Vec<Group> = key.groups().collect();
        let generations = self.generations(&groups).await?;
        let placed = self.place(key, SetMode::Always).await?;
        let refused = || Error::new(ErrorKind::Backend, "an unconditional write was refused");
        let (ticket, _) = placed.ok_or_else(refused)?;
        Ok(ticket.under(Before { generations, any_tag: None }))
    }

    /// Replaces what begins with `stamp` by `entry`.
    pub(super) async fn replace(
        &self,
        key: &Key,
        entry: Bytes,
        stamp: Stamp,
        ttl: Duration,
    ) -> Result<SetOutcome> {
        let options = SetOptions::new(ttl, SetMode::IfStamp(stamp));
        self.gate.call(self.gate.backend.set(key, entry, &options)).await
    }

    /// Removes entries and leases, so that no load under way can fill them; with a hold, no load
    /// of that time can.
    pub(crate) async fn invalidate(
        self: &Arc<Self>,
        keys: &[Key],
        hold: Option<Duration>,
    ) -> Vec<Result<()>> {
        let options = InvalidateOptions::new(hold);
        let told = self.gate.backend.invalidate(keys, &options);
        self.gate.call_each(keys.len(), told).await
    }

    /// Ends every entry of `groups`, in their order; with a hold, nothing of them can be filled for
    /// that time.
    pub(crate) async fn advance(
        self: &Arc<Self>,
        groups: &[Group],
        hold: Option<Duration>,
    ) -> Result<()> {
        self.gate.call(self.gate.advance(groups, hold)).await
    }

    /// Begins an invalidation of keys. What is not told of it is owed.
    pub(crate) fn debt_of_keys<'a>(&'a self, keys: &'a [Key], hold: Option<Duration>) -> Debt<'a> {
        Debt::of_keys(&self.gate, keys, hold)
    }

    /// Begins an invalidation of groups. What is not told of it is owed.
    pub(crate) fn debt_of_groups<'a>(
        &'a self,
        groups: &'a [Group],
        hold: Option<Duration>,
    ) -> Debt<'a> {
        Debt::of_groups(&self.gate, groups, hold)
    }

    /// Whether the end of one of these is owed, so that telling it would end a guard of later on.
    pub(crate) fn owes(&self, keys: &[Key], groups: &[Group]) -> bool {
        let is_covered = |key: &Key| self.gate.covers(key) != Cover::None;
        keys.iter().any(is_covered) || self.gate.owes_any(groups)
    }

    /// Fails if what cannot be told now never will be.
    pub(crate) fn can_owe(&self) -> Result<()> {
        self.gate.can_owe()
    }

    /// Whether it is not in use, so that everything is asked of the source.
    pub(crate) fn is_down(&self) -> bool {
        self.gate.is_shut()
    }

    /// Returns how much is owed.
    pub(crate) fn owed(&self) -> usize {
        self.gate.standing().journal.len()
    }

    /// Tells the remote level what it is owed, for as long as `within`, and ends the backend's work.
    /// The remote level is then down for good.
    pub(crate) async fn close(&self, within: Duration) -> Closed {
        self.gate.close(&self.releases, within).await
    }

    /// Returns how long ago it was last heard, in milliseconds; `None` if it never was.
    pub(crate) fn heard_ms_ago(&self) -> Option<u64> {
        self.ears.heard_ago().and_then(|ago| ago.as_millis().try_into().ok())
    }

    pub(crate) fn health(&self) -> RemoteHealth {
        let state = match self.gate.standing().phase() {
            Phase::Closed => RemoteState::Closed,
            Phase::Down | Phase::Probing => RemoteState::Down,
            Phase::Greeting | Phase::Healthy | Phase::Owing => RemoteState::Up,
            Phase::Replaying => RemoteState::Replaying,
        };
        RemoteHealth {
            backend: self.gate.backend.to_string(),
            state,
            down_for_ms: self.gate.down_for().and_then(|down| down.as_millis().try_into().ok()),
            owed: self.owed(),
            hearing: self.ears.hearing(),
            heard_ms_ago: self.heard_ms_ago(),
            problem: self.gate.standing().problem.as_ref().map(|problem| problem.to_string()),
        }
    }

    /// Returns what the server's own settings lead to.
    pub(crate) fn advice(&self) -> Vec<Advice> {
        self.gate.board.read()
    }

    /// Notes how long an entry will live, so that its groups' numbers outlive it.
    pub(crate) fn note_ttl(&self, ttl: Duration) {
        self.gate.note_ttl(ttl);
    }

    /// Returns the generations of `groups`: those that are known, or else asked for.
    pub(super) async fn generations(self: &Arc<Self>, groups: &[Group]) -> Result<Generations> {
        match self.known(groups) {
            Some(known) => Ok(known),
            None => self.generations_now(groups).await,
        }
    }

    /// As [`generations`](Self::generations), always asked for.
    pub(super) async fn generations_now(self: &Arc<Self>, groups: &[Group]) -> Result<Generations> {
        let asked = self.gate.call(self.ask(groups)).await?;
        Ok(groups.iter().map(Group::id).zip(asked).collect())
    }

    /// Notes where groups stand.
    pub(super) fn marks(&self, groups: Option<&[Group]>) -> Marks {
        self.fences.marks(groups.unwrap_or_default())
    }

    /// Returns the generations of `groups` if they are known here and would be told of otherwise.
    pub(super) fn known(&self, groups: &[Group]) -> Option<Generations> {
        let known = self.numbers.of(groups, &self.fences)?;
        self.ears.are_listening().then_some(known)
    }

    /// Asks the backend for the generations of `groups`, past the gate.
    pub(super) async fn ask(&self, groups: &[Group]) -> Result<Vec<Generation>> {
        let stands = groups.iter().map(|group| self.fences.group_stand(group)).collect();
        let generations = self.gate.backend.generations(groups, self.gate.generation_ttl()).await?;
        self.numbers.keep(groups, &stands, &generations);
        Ok(generations)
    }

    /// Puts a lease where `mode` allows it.
    async fn place(
        self: &Arc<Self>,
        key: &Key,
        mode: SetMode,
    ) -> Result<Option<(Ticket, SetOutcome)>> {
        let request = LeaseRequest::new(self.settings.lease_ttl);
        let ticket = Ticket::new(self, key, request.stamp);
        let lease = Bytes::copy_from_slice(request.stamp.as_bytes());
        let options = SetOptions::new(request.ttl, mode);
        match self.gate.call(self.gate.backend.set(key, lease, &options)).await? {
            outcome @ (SetOutcome::Echoed | SetOutcome::Stored) => Ok(Some((ticket, outcome))),
            SetOutcome::Refused => Ok(ticket.disarmed(None)),
        }
    }
}
