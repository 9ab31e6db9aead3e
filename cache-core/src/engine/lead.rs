//! The way of the caller that loads for all who wait.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::select;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Value};
use super::fence::Snapshot;
use super::pack::Unusable;
use super::{Call, Depth, Engine};
use crate::level::remote::{Generations, Look, Remote};
use crate::level::ticket::Ticket;
use crate::stats::Outcome;

/// How often another instance's load is looked at while we wait for it.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(50);

/// What the remote level had.
enum Search<V> {
    Found(Answer<V>),
    /// Nothing; the ticket is there unless the remote level is away or the wait was too long.
    Nothing(Option<Ticket>),
}

impl Engine {
    /// Answers from near or remote, or else runs the loader and keeps what it returns.
    ///
    /// `snapshot` is from before any of it.
    pub(super) async fn lead<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        snapshot: &Snapshot,
        depth: Depth,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Arc<V>, E>>,
    {
        // Another flight may have landed between our near look-up and our seat.
        if let Some((value, _)) = self.probe_near(call.key) {
            return Ok(Answer::new(value, Outcome::NearHit));
        }
        let search = match depth {
            Depth::Remote => self.search(call, snapshot).await,
            Depth::Source => Search::Nothing(None),
        };
        let ticket = match search {
            Search::Found(answer) => return Ok(answer),
            Search::Nothing(ticket) => ticket,
        };
        let (value, cost) = self.run(call, load).await?;
        self.keep(call, &value, cost, ticket, snapshot).await;
        Ok(Answer::new(value, Outcome::Loaded))
    }

    async fn run<V, E, F, Fut>(&self, call: Call<'_>, load: F) -> Result<(Arc<V>, Duration), E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Arc<V>, E>>,
    {
        call.counters.loads.add_one();
        let started = self.clock.monotonic();
        let value = load().await?;
        Ok((value, self.clock.monotonic().saturating_sub(started)))
    }

    /// Looks in the remote level, until there is a value, the right to fill, or no more time.
    async fn search<V: Value>(&self, call: Call<'_>, snapshot: &Snapshot) -> Search<V> {
        let Some(remote) = &self.remote else { return Search::Nothing(None) };
        let deadline = Instant::now() + self.settings.wait;
        let mut pause = FIRST_PAUSE;
        loop {
            let mut news = pin!(remote.ears().waiter(call.key.as_bytes()).notified());
            // Before the look: what happens after it must wake us.
            news.as_mut().enable();
            match remote.look(call.key).await {
                Look::Away => return Search::Nothing(None),
                Look::Busy => {}
                Look::Entry(stored, generations) => {
                    let opened = self.open(call, remote, snapshot, stored, generations).await;
                    if let Some(search) = opened {
                        return search;
                    }
                }
                Look::Ours(ticket) => return Search::Nothing(Some(ticket)),
            }
            if Instant::now() >= deadline {
                self.counters.waits_given_up.add_one();
                return Search::Nothing(None);
            }
            select(news, pin!(sleep(pause))).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// Serves an entry, or takes its place; `None` if somebody else was faster at that.
    async fn open<V: Value>(
        &self,
        call: Call<'_>,
        remote: &Arc<Remote>,
        snapshot: &Snapshot,
        stored: Bytes,
        generations: Generations,
    ) -> Option<Search<V>> {
        match self.packer.unpack::<V>(&stored, call.key, call.options.schema(), &generations) {
            Ok((value, left)) => {
                let value = Arc::new(value);
                self.keep_near(call, &value, left, snapshot);
                Some(Search::Found(Answer::new(value, Outcome::RemoteHit)))
            }
            Err(unusable) => {
                self.note_unusable(call, unusable);
                let ticket = remote.claim(call.key, &stored, generations).await?;
                Some(Search::Nothing(Some(ticket)))
            }
        }
    }

    pub(super) fn note_unusable(&self, call: Call<'_>, unusable: Unusable) {
        if let Unusable::Flawed(flaw) = unusable {
            self.counters.flaws.count(flaw);
            tracing::debug!(entity = call.key.entity(), %flaw, "stored bytes unusable");
        }
    }
}
