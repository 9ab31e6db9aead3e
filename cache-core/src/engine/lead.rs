//! The way of the caller that loads for all who wait.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Value};
use super::fence::Snapshot;
use super::keep::{Backing, NearCopy};
use super::loaded::Loaded;
use super::pack::Unusable;
use super::{Call, Engine};
use crate::backend::SetOutcome;
use crate::codec::measure;
use crate::key::Key;
use crate::level::look::{Found, Look};
use crate::level::ticket::Ticket;
use crate::stats::Outcome;

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
    /// Answers from near or remote, or else runs the loader and keeps what it returns.
    ///
    /// `flight` is from before any of it; `patience` is for the loads of other instances.
    pub(super) async fn lead<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        flight: Arc<Snapshot>,
        patience: Duration,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        // Whoever led before us may have been loading.
        flight.note_loading(false);
        // Another flight may have landed between our near look-up and our seat.
        if let Some((value, _)) = self.probe_near(call.key) {
            return Ok(Answer::new(value, Outcome::NearHit));
        }
        let mut snapshot = Arc::clone(&flight);
        let ticket = match self.search(call, &mut snapshot, patience).await {
            Step::Found(answer) => return Ok(answer),
            Step::Held => {
                flight.note_loading(true);
                let (loaded, _) = self.run(call, load).await?;
                return Ok(Answer::new(loaded.value, Outcome::Loaded));
            }
            Step::Load(ticket) => ticket,
            Step::Wait => None,
        };
        flight.note_loading(true);
        let (loaded, cost) = self.run(call, load).await?;
        self.keep(call, &loaded, cost, ticket, &snapshot).await;
        Ok(Answer::new(loaded.value, Outcome::Loaded))
    }

    async fn run<V, E, F, Fut>(&self, call: Call<'_>, load: F) -> Result<(Loaded<V>, Duration), E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        let _turn = self.turn().await;
        call.counters.loads.add_one();
        let started = self.clock.monotonic();
        let value = load().await?;
        Ok((value, self.clock.monotonic().saturating_sub(started)))
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
                    self.counters.waits_given_up.add_one();
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
            Ok(answer) => return Step::Found(answer),
            Err(unusable) if !*noted => self.note_unusable(call, unusable),
            Err(_) => {}
        }
        *noted = true;
        self.claim(call.key, snapshot, found).await
    }

    async fn claim<V>(&self, key: &Key, snapshot: &Snapshot, found: Found) -> Step<V> {
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
    fn note_lease(&self, key: &Key, snapshot: &Snapshot) {
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
    ) -> Result<Answer<V>, Unusable> {
        let (schema, current) = (call.options.schema(), found.current.numbers());
        let (value, left) = self.packer.unpack::<V>(&found.bytes, call.key, schema, current)?;
        let value = Arc::new(value);
        if let Ok(measure) = measure(&*value) {
            // A replica may have said what the primary has told the end of already.
            let is_lagging = self.remote.as_ref().is_some_and(|remote| remote.is_lagging());
            let backing = if is_lagging { Backing::None } else { Backing::Remote };
            let asked = self.clock.monotonic();
            let copy = NearCopy { weight: measure.weight, fresh: left, asked, backing };
            if found.marks.is_empty() {
                self.keep_near(call, &value, copy, snapshot);
            } else {
                self.keep_near(call, &value, copy, &snapshot.with(found.marks.clone()));
            }
        }
        Ok(Answer::new(value, Outcome::RemoteHit))
    }

    pub(super) fn note_unusable(&self, call: Call<'_>, unusable: Unusable) {
        if let Unusable::Flawed(flaw) = unusable {
            self.counters.flaws.count(flaw);
            tracing::debug!(entity = call.key.entity(), %flaw, "stored bytes unusable");
        }
    }
}
