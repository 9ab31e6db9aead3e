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

/// How often another instance's load is looked at while we wait for it.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(50);

/// What the remote level had.
#[allow(clippy::large_enum_variant, reason = "moved once, never stored")]
enum Search<V> {
    Found(Answer<V>),
    /// Nothing, and nothing may be kept.
    Held,
    /// Nothing; the ticket is there unless the remote level is away or the wait was too long.
    Nothing(Option<Ticket>),
}

impl Engine {
    /// Answers from near or remote, or else runs the loader and keeps what it returns.
    ///
    /// `snapshot` is from before any of it; `patience` is for the loads of other instances.
    pub(super) async fn lead<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        snapshot: &Snapshot,
        patience: Duration,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        // Another flight may have landed between our near look-up and our seat.
        if let Some((value, _)) = self.probe_near(call.key) {
            return Ok(Answer::new(value, Outcome::NearHit));
        }
        let ticket = match self.search(call, snapshot, patience).await {
            Search::Found(answer) => return Ok(answer),
            Search::Held => {
                let (loaded, _) = self.run(call, load).await?;
                return Ok(Answer::new(loaded.value, Outcome::Loaded));
            }
            Search::Nothing(ticket) => ticket,
        };
        let (loaded, cost) = self.run(call, load).await?;
        self.keep(call, &loaded, cost, ticket, snapshot).await;
        Ok(Answer::new(loaded.value, Outcome::Loaded))
    }

    async fn run<V, E, F, Fut>(&self, call: Call<'_>, load: F) -> Result<(Loaded<V>, Duration), E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Loaded<V>, E>>,
    {
        call.counters.loads.add_one();
        let started = self.clock.monotonic();
        let value = load().await?;
        Ok((value, self.clock.monotonic().saturating_sub(started)))
    }

    /// Looks in the remote level, until there is a value, the right to fill, or no more time.
    async fn search<V: Value>(
        &self,
        call: Call<'_>,
        snapshot: &Snapshot,
        patience: Duration,
    ) -> Search<V> {
        let Some(remote) = &self.remote else { return Search::Nothing(None) };
        let deadline = Instant::now() + patience;
        let mut pause = FIRST_PAUSE;
        let mut noted = false;
        loop {
            let mut news = pin!(remote.ears().waiter(call.key.as_bytes()).notified());
            // Before the look: what happens after it must wake us.
            news.as_mut().enable();
            match remote.look(call.key, call.late_tags).await {
                Look::Away => return Search::Nothing(None),
                Look::Busy => {}
                Look::Entry(found) => {
                    match self.open(call, snapshot, &found) {
                        Ok(answer) => return Search::Found(answer),
                        Err(unusable) if !noted => self.note_unusable(call, unusable),
                        Err(_) => {}
                    }
                    noted = true;
                    match remote.claim(call.key, &found.bytes, found.before).await {
                        Ok(None) => {}
                        Ok(Some((ticket, outcome))) => {
                            if outcome == SetOutcome::Echoed {
                                snapshot.expect_echo();
                            }
                            return Search::Nothing(Some(ticket));
                        }
                        Err(_) => return Search::Nothing(None),
                    }
                }
                Look::Held => return Search::Held,
                Look::Ours(ticket) => {
                    self.note_lease(call.key, snapshot);
                    return Search::Nothing(Some(ticket));
                }
            }
            if Instant::now() >= deadline {
                if !patience.is_zero() {
                    self.counters.waits_given_up.add_one();
                }
                return Search::Nothing(None);
            }
            select(news, pin!(sleep(pause))).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Ends what is near under a key whose lease was taken.
    ///
    /// Who removed the entry may not be told: of two changes at once, the server tells the last,
    /// and not to its author, and that was our lease. The flight itself goes on: what it loads is
    /// newer than that.
    fn note_lease(&self, key: &Key, snapshot: &Snapshot) {
        if self.remote.as_ref().is_some_and(|remote| remote.ears().are_listening()) {
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
            let copy = NearCopy { weight: measure.weight, fresh: left, backing: Backing::Remote };
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
