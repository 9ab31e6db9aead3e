//! The way of the caller that loads for all who wait.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::answer::{Answer, Value};
use super::decide::{Left, early, is_early};
use super::fence::Snapshot;
use super::keep::{Backing, NearCopy};
use super::loaded::Loaded;
use super::pack::{Unpacked, Unusable};
use super::share::Loader;
use super::{Call, Engine, Probe};
use crate::backend::SetOutcome;
use crate::codec::measure;
use crate::key::Key;
use crate::level::look::{Found, Look};
use crate::level::ticket::Ticket;
use crate::random::random;
use crate::stats::{Event, LoadKind, Outcome};

/// How often another instance's load is looked at while we wait for it, each time half as often.
///
/// Where news wake those who wait, only in case they are late: a lease that ends by itself is told of
/// when the server comes across it.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Pause {
    const FIRST: Duration = Duration::from_millis(2);
    const LAST: Duration = Duration::from_millis(50);
    const WITH_NEWS: Duration = Duration::from_millis(250);

    pub(super) fn new() -> Self {
        Self(Self::FIRST)
    }

    pub(super) fn next(&mut self, is_listening: bool) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(Self::LAST);
        if is_listening { Self::WITH_NEWS } else { pause }
    }
}

/// An entry that may be served.
pub(super) struct Opened<V> {
    value: Arc<V>,
    left: Left,
    /// For how long before the end of its fresh time it may be refreshed.
    early: Duration,
}

impl<V> Opened<V> {
    /// Whether nobody need refresh it yet.
    pub(super) fn is_calm(&self) -> bool {
        self.left.fresh > self.early
    }

    pub(super) fn is_stale(&self) -> bool {
        self.left.fresh.is_zero()
    }

    pub(super) fn answer(self) -> Answer<V> {
        let outcome = if self.is_stale() { Outcome::Stale } else { Outcome::RemoteHit };
        let is_due = !self.is_calm() && is_early(self.left.fresh, self.early, random());
        Answer { is_due, ..Answer::new(self.value, outcome) }
    }
}

/// What a look at the remote level leads to.
#[allow(clippy::large_enum_variant, reason = "moved once, never stored")]
pub(super) enum Step<V> {
    Found(Answer<V>),
    /// Nothing, and nothing may be kept.
    Held,
    /// Nothing; the ticket is there unless the remote level is away or the wait was too long.
    Load(Option<Ticket>),
    /// Somebody else is loading.
    Wait,
}

impl Engine {
    /// Answers from near or remote, even if that is stale, or else runs the loader and keeps what it
    /// returns.
    ///
    /// `flight` is from before any of it; `patience` is for the loads of other instances.
    pub(super) async fn lead<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        flight: Arc<Snapshot>,
        patience: Duration,
        loader: &Loader<F>,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        // Whoever led before us may have been loading.
        flight.note_loading(false);
        // Another flight may have landed between our near look-up and our seat.
        if let Probe::Hit(answer) = self.probe_near(call.key) {
            return Ok(answer);
        }
        let mut snapshot = Arc::clone(&flight);
        let ticket = match self.search(call, &mut snapshot, patience).await {
            Step::Found(answer) => return Ok(answer),
            Step::Held => {
                flight.note_loading(true);
                let (loaded, _) = self.run(call, LoadKind::First, loader).await?;
                return Ok(Answer::new(loaded.value, Outcome::Loaded));
            }
            Step::Load(ticket) => ticket,
            Step::Wait => None,
        };
        flight.note_loading(true);
        let (loaded, cost) = self.run(call, LoadKind::First, loader).await?;
        self.keep(call, &loaded, cost, ticket, &snapshot).await;
        Ok(Answer::new(loaded.value, Outcome::Loaded))
    }

    /// Runs the loader, and tells how long it took.
    pub(super) async fn run<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        kind: LoadKind,
        loader: &Loader<F>,
    ) -> Result<(Loaded<V>, Duration), E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        self.pace(call.key).await;
        let _turn = self.turn().await;
        let started = self.begin_load(call.line, kind);
        let loaded = loader.start().instrument(call.line.load(kind)).await;
        let cost = self.end_load(call.line, kind, started, &loaded);
        match &loaded {
            Ok(_) => self.backoff.succeeded(call.key.local_hash()),
            Err(_) => _ = self.backoff.failed(call.key.local_hash(), self.clock.monotonic()),
        }
        Ok((loaded?, cost))
    }

    /// Waits a little before a loader is asked that has failed, if the settings want that.
    async fn pace(&self, key: &Key) {
        let longest = self.settings.backoff_wait;
        if !longest.is_zero()
            && let Some(left) =
                self.backoff.left_of_failure(key.local_hash(), self.clock.monotonic())
        {
            sleep(left.min(longest)).await;
        }
    }

    /// Looks in the remote level, until there is a value, the right to fill, or no more time.
    ///
    /// News of the load that is waited for make the snapshot worthless, so each look has its own.
    async fn search<V: Value>(
        &self,
        call: Call<'_>,
        snapshot: &mut Arc<Snapshot>,
        patience: Duration,
    ) -> Step<V> {
        let Some(remote) = &self.remote else { return Step::Load(None) };
        let deadline = Instant::now() + patience;
        let mut pause = Pause::new();
        let mut noted = false;
        loop {
            let mut news = pin!(remote.ears().waiter(call.key.as_bytes()).notified());
            // Before the look: what happens after it must wake us.
            news.as_mut().enable();
            let look = remote.look(call.key, call.late_tags).await;
            match self.step(call, snapshot, look, &mut noted).await {
                Step::Wait => {}
                step => return step,
            }
            if Instant::now() >= deadline {
                if !patience.is_zero() {
                    self.note(Event::WaitGivenUp);
                }
                return Step::Wait;
            }
            select(news, pin!(sleep(pause.next(self.is_listening())))).await;
            *snapshot = Arc::new(self.fences.snapshot(call.key));
        }
    }

    /// Opens what a look found, or takes its place if it cannot be used; `noted`, if its flaw has
    /// been counted.
    pub(super) async fn step<V: Value>(
        &self,
        call: Call<'_>,
        snapshot: &Snapshot,
        look: Look,
        noted: &mut bool,
    ) -> Step<V> {
        let found = match look {
            Look::Away => return Step::Load(None),
            Look::Busy => return Step::Wait,
            Look::Entry(found) => found,
            Look::Held => return Step::Held,
            Look::Ours(ticket) => {
                self.note_lease(call.key, snapshot);
                return Step::Load(Some(ticket));
            }
        };
        match self.open(call, snapshot, &found) {
            Ok(opened) => return Step::Found(opened.answer()),
            Err(unusable) if !*noted => self.note_unusable(call, unusable),
            Err(_) => {}
        }
        *noted = true;
        self.claim(call.key, snapshot, found).await
    }

    pub(super) async fn claim<V>(&self, key: &Key, snapshot: &Snapshot, found: Found) -> Step<V> {
        let Some(remote) = &self.remote else { return Step::Load(None) };
        match remote.claim(key, &found.bytes, found.before).await {
            Ok(None) => Step::Wait,
            Ok(Some((ticket, outcome))) => {
                if outcome == SetOutcome::Echoed {
                    snapshot.expect_echo();
                }
                Step::Load(Some(ticket))
            }
            Err(_) => Step::Load(None),
        }
    }

    /// Ends what is near under a key whose lease was taken.
    ///
    /// Who removed the entry may not be told: of two changes at once, the server tells the last,
    /// and not to its author, and that was our lease. The flight itself goes on: what it loads is
    /// newer than that.
    pub(super) fn note_lease(&self, key: &Key, snapshot: &Snapshot) {
        if self.is_listening() {
            self.fences.bump_key_of(key, snapshot);
            self.near.iter().for_each(|near| near.remove(key.as_bytes()));
        }
    }

    /// Takes the answer out of an entry, and keeps it near.
    pub(super) fn open<V: Value>(
        &self,
        call: Call<'_>,
        snapshot: &Snapshot,
        found: &Found,
    ) -> Result<Opened<V>, Unusable> {
        let (schema, current) = (call.options.schema(), found.current.numbers());
        let unpacked = self.packer.unpack::<V>(&found.bytes, call.key, schema, current)?;
        let Unpacked { value, left, cost } = unpacked;
        let (value, early) = (Arc::new(value), early(cost, self.refresh_ahead(call)));
        if let Ok(measure) = measure(&*value) {
            // A replica may have said what the primary has told the end of already.
            let is_lagging = self.remote.as_ref().is_some_and(|remote| remote.is_lagging());
            let backing = if is_lagging { Backing::None } else { Backing::Remote };
            let asked = self.clock.monotonic();
            let left = self.times(call).near.map_or(left, |near| left.at_most(near));
            let copy = NearCopy { weight: measure.weight, left, early, asked, backing };
            if found.marks.is_empty() {
                self.keep_near(call, &value, copy, snapshot);
            } else {
                self.keep_near(call, &value, copy, &snapshot.with(found.marks.clone()));
            }
        }
        Ok(Opened { value, left, early })
    }

    pub(super) fn note_unusable(&self, call: Call<'_>, unusable: Unusable) {
        if let Unusable::Flawed(flaw) = unusable {
            self.note(Event::Flawed { entity: call.key.entity(), flaw });
        }
    }
}
