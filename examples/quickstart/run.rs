//! Serves a day of requests and watches the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use cache_aside_examples::clock::DayClock;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::day::{Action, Request};
use crate::fill::USERS;
use crate::model::{Kind, Plan};
use crate::progress::Progress;
use crate::store::Store;
use crate::timings::Timings;

/// How many requests are under way at a time; the next comes as soon as one is answered.
///
/// Few enough that those under way belong together on the clock of the day.
pub(crate) const CLIENTS: usize = 16;

/// Serves all requests, in their order, and returns how long the answers took.
pub(crate) async fn serve(
    label: &'static str,
    store: &Store,
    requests: &Arc<[Request]>,
    clock: &DayClock,
) -> Result<Timings> {
    let service = Arc::new(Service {
        store: store.clone(),
        requests: Arc::clone(requests),
        clock: clock.clone(),
        next: AtomicUsize::new(0),
        edits: (0..=USERS).map(|_| Mutex::default()).collect(),
        progress: Progress::new(label, requests.len() as u64, "requests"),
    });
    let mut clients: JoinSet<_> = (0..CLIENTS).map(|_| Arc::clone(&service).client()).collect();
    let mut timings = Timings::default();
    while let Some(client) = clients.join_next().await {
        timings.merge(client??);
    }
    service.progress.finish();
    Ok(timings)
}

/// What the clients share.
struct Service {
    store: Store,
    requests: Arc<[Request]>,
    clock: DayClock,
    next: AtomicUsize,
    /// By user, how often the profile was edited. Locked during a request: people ask one thing at
    /// a time.
    edits: Vec<Mutex<u32>>,
    progress: Progress,
}

impl Service {
    /// Takes one request after the other until there is none.
    async fn client(self: Arc<Self>) -> Result<Timings> {
        let mut timings = Timings::default();
        while let Some(request) = self.requests.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.clock.advance_to(request.at);
            self.answer(request, &mut timings).await?;
            self.progress.step();
        }
        Ok(timings)
    }

    /// As a web service would: which plan is this user on, and then what was asked for.
    async fn answer(&self, request: &Request, timings: &mut Timings) -> Result<()> {
        let (store, user) = (&self.store, request.user);
        let mut edits = self.edits[user as usize].lock().await;
        let started = Instant::now();
        let tier = store.plan(user).await?;
        timings.add(Kind::Plan, started.elapsed());
        let started = Instant::now();
        let kind = match &request.action {
            Action::ChangePlan(plan) => store.change_plan(user, *plan).await.map(|()| Kind::Write),
            Action::Conversations => {
                store.conversations(tier, user).await.map(|_| Kind::Conversations)
            }
            Action::Profile => self.profile(tier, user, *edits).await.map(|()| Kind::Profile),
            Action::Rename(name) => {
                *edits = store.rename(user, name).await?;
                Ok(Kind::Write)
            }
            Action::Search { query, page } => {
                store.search(query, *page).await.map(|_| Kind::Search)
            }
            Action::Send => store.send(tier, user).await.map(|()| Kind::Write),
        };
        timings.add(kind?, started.elapsed());
        Ok(())
    }

    /// Reads a profile; fails if it is older than the last edit.
    async fn profile(&self, tier: Plan, user: u32, edits: u32) -> Result<()> {
        let profile = self.store.profile(tier, user).await?;
        ensure!(profile.edits >= edits, "a profile from before edit {edits}: {}", profile.edits);
        Ok(())
    }
}
