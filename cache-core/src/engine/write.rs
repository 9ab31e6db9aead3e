//! What writers ask for: set and invalidate.

use std::sync::Arc;
use std::time::Duration;

use super::answer::{Answer, Value};
use super::keep::{Backing, Filled, NearCopy};
use super::lead::Opened;
use super::{Call, Engine};
use crate::backend::is_outage;
use crate::group::Group;
use crate::key::Key;
use crate::level::remote::Remote;
use crate::policy::{CallOptions, InvalidatePolicy, Lifetime, Times};
use crate::stats::Event;
use crate::{Error, ErrorKind, Invalidation, Result};

impl Engine {
    /// Answers from near or remote, never from a loader.
    pub(crate) async fn get<V: Value>(
        &self,
        key: &Key,
        options: &CallOptions,
    ) -> Option<Answer<V>> {
        let (line, started) = (self.line(key), self.clock.monotonic());
        let call = Call { key, options, line: &line, late_tags: false };
        let found = if key.is_too_long() {
            self.note(Event::KeyTooLong);
            None
        } else {
            self.peek(call).await
        };
        self.note_found(&line, started, found.as_ref().map(|answer| answer.outcome));
        found
    }

    /// Stores a value that its writer knows to be true.
    pub(crate) async fn set<V: Value>(
        &self,
        key: &Key,
        value: &Arc<V>,
        options: &CallOptions,
    ) -> Result<()> {
        if key.is_too_long() {
            let text = format!("the key is longer than {} bytes", Key::MAX_LEN);
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let line = self.line(key);
        let call = Call { key, options, line: &line, late_tags: false };
        let result = self.write(call, value).await;
        result.inspect_err(|error| self.note_unstorable(call, error))
    }

    async fn write<V: Value>(&self, call: Call<'_>, value: &Arc<V>) -> Result<()> {
        let keys = std::slice::from_ref(call.key);
        let mut fence = Fence::raise(self, Cover::Keys(keys));
        let measure = self.measure(&**value)?;
        let Some(lifetime) = self.lifetime(call, measure, Times::NONE) else {
            self.tell_keys(keys, self.settings.hold).await?;
            return self.check_named(call);
        };
        // Loaded again before that, it would give way to what a lagging source says.
        let lifetime = self.settings.hold.map_or(lifetime, |hold| lifetime.at_least(hold));
        let asked = self.clock.monotonic();
        let snapshot = self.fences.snapshot(call.key);
        let mut backing = Backing::Remote;
        // What failed before has an answer now.
        self.backoff.succeeded(call.key.local_hash());
        let settled = match &self.remote {
            None => Some(snapshot),
            Some(remote) => match self.put(remote, call, &**value, lifetime).await? {
                Some(filled) => self.settled(call, filled, &snapshot).await,
                None => {
                    backing = Backing::None;
                    Some(snapshot)
                }
            },
        };
        let Some(snapshot) = settled else { return Ok(()) };
        fence.lowered = true;
        let is_alone = self.fences.bump_key_of(call.key, &snapshot);
        self.near.iter().for_each(|near| near.remove(call.key.as_bytes()));
        // If nobody else wrote or invalidated in the meantime, here or elsewhere, it is the newest.
        if is_alone {
            let (weight, left, early) = (measure.weight, lifetime.near_left(), Duration::ZERO);
            let copy = NearCopy { weight, left, early, asked, backing };
            self.keep_near(call, value, copy, &snapshot);
        }
        Ok(())
    }

    /// Stores a value in the remote level; `None` if that is away, and is owed the end of what was
    /// before, or if it keeps nothing of the key for now.
    async fn put<V: Value>(
        &self,
        remote: &Arc<Remote>,
        call: Call<'_>,
        value: &V,
        lifetime: Lifetime,
    ) -> Result<Option<Filled>> {
        let (keys, hold) = (std::slice::from_ref(call.key), self.settings.hold);
        let debt = remote.debt_of_keys(keys, hold);
        if hold.is_some() && remote.is_held(call.key).await {
            // It would be gone with the end of that hold, and make room for what lags behind it.
            let told = self.tell_keys(keys, hold).await;
            debt.settle(vec![Ok(())])?;
            return told.map(|_| None);
        }
        let error = match remote.seize(call.key).await {
            Ok(ticket) => match self.fill(call, value, lifetime, Duration::ZERO, ticket).await {
                Err(error) if is_outage(error.kind()) => error,
                // What was before has gone, whether this could be stored or not.
                result => {
                    debt.settle(vec![Ok(())])?;
                    return result.map(Some);
                }
            },
            Err(error) => error,
        };
        let is_outage = is_outage(error.kind());
        let told = debt.settle(vec![Err(error.clone())]);
        if is_outage { self.owed(remote, told, 1, 1).map(|_| None) } else { Err(error) }
    }

    /// Ends what is cached under `keys`, here at once, then in the remote level.
    pub(crate) async fn invalidate(&self, keys: &[Key]) -> Result<Invalidation> {
        let _fence = Fence::raise(self, Cover::Keys(keys));
        self.tell_keys(keys, self.settings.hold).await
    }

    /// Ends what is cached for `groups`, here at once, then in the remote level.
    pub(crate) async fn invalidate_groups(&self, groups: &[Group]) -> Result<Invalidation> {
        let _fence = Fence::raise(self, Cover::Groups(groups));
        self.tell_groups(groups, self.settings.hold).await
    }

    /// As [`invalidate`](Self::invalidate), and has nothing kept until the guard's time is over.
    pub(crate) async fn hold(&self, keys: &[Key]) -> Result<()> {
        let _fence = Fence::raise(self, Cover::Keys(keys));
        let Some(remote) = self.remote.as_ref().filter(|_| !keys.is_empty()) else { return Ok(()) };
        if remote.owes(keys, &[]) {
            return Err(unguarded(still_owed()));
        }
        let told = remote.invalidate(keys, Some(self.settings.guard_ttl)).await;
        told.into_iter().collect::<Result<()>>().map_err(unguarded)
    }

    /// As [`hold`](Self::hold), for groups.
    pub(crate) async fn hold_groups(&self, groups: &[Group]) -> Result<()> {
        let _fence = Fence::raise(self, Cover::Groups(groups));
        let Some(remote) = self.remote.as_ref().filter(|_| !groups.is_empty()) else {
            return Ok(());
        };
        if remote.owes(&[], groups) {
            return Err(unguarded(still_owed()));
        }
        remote.advance(groups, Some(self.settings.guard_ttl)).await.map_err(unguarded)
    }

    /// Ends what is cached here, without telling anybody.
    pub(crate) fn forget(&self, keys: &[Key], groups: &[Group]) {
        for cover in [Cover::Keys(keys), Cover::Groups(groups)] {
            cover.bump(self);
        }
    }

    async fn peek<V: Value>(&self, call: Call<'_>) -> Option<Answer<V>> {
        let snapshot = self.fences.snapshot(call.key);
        let keys = std::slice::from_ref(call.key);
        let found = self.remote.as_ref()?.peek_many(keys).await.pop()??;
        let opened = self.open(call, &snapshot, &found);
        let opened = opened.map_err(|unusable| self.note_unusable(call, unusable)).ok();
        // Nobody here could load it again.
        opened.filter(|opened| !opened.is_stale()).map(Opened::answer)
    }

    async fn tell_keys(&self, keys: &[Key], hold: Option<Duration>) -> Result<Invalidation> {
        if keys.is_empty() {
            return Ok(Invalidation::Everywhere);
        }
        self.note(Event::Invalidated);
        let Some(remote) = &self.remote else { return Ok(Invalidation::Everywhere) };
        let debt = remote.debt_of_keys(keys, hold);
        let told = remote.invalidate(keys, hold).await;
        let untold = told.iter().filter(|told| told.is_err()).count();
        self.owed(remote, debt.settle(told), untold, keys.len())
    }

    async fn tell_groups(&self, groups: &[Group], hold: Option<Duration>) -> Result<Invalidation> {
        if groups.is_empty() {
            return Ok(Invalidation::Everywhere);
        }
        self.note(Event::Invalidated);
        let Some(remote) = &self.remote else { return Ok(Invalidation::Everywhere) };
        let debt = remote.debt_of_groups(groups, hold);
        let told = remote.advance(groups, hold).await;
        self.owed(remote, debt.settle(vec![told]), groups.len(), groups.len())
    }

    /// Says what an invalidation came to that the remote level could not be told of.
    fn owed(
        &self,
        remote: &Remote,
        told: Result<()>,
        untold: usize,
        all: usize,
    ) -> Result<Invalidation> {
        let Err(cause) = told else { return Ok(Invalidation::Everywhere) };
        self.note(Event::Journalled);
        let what_next = match (remote.can_owe(), self.settings.invalidate_policy) {
            (Ok(()), InvalidatePolicy::Journal) => return Ok(Invalidation::Journalled),
            (Ok(()), InvalidatePolicy::Strict) => {
                "it is told before this instance reads from it again, and until then others may \
                 serve what was before"
            }
            (Err(_), _) => {
                "the cache is closed, and other instances may serve what was before until its TTL \
                 ends"
            }
        };
        let which = if all == 1 { String::new() } else { format!(" of {untold} of {all}") };
        let text = format!(
            "this instance forgot what was invalidated, but the remote level could not be \
             told{which}: {what_next}"
        );
        Err(Error::new(cause.kind(), text).with_source(cause))
    }
}

/// What is owed from before would end the guard when it is told.
fn still_owed() -> Error {
    Error::new(ErrorKind::Backend, "an earlier invalidation of it has not been told yet")
}

fn unguarded(cause: Error) -> Error {
    let text = "the remote level could not be told that a change begins, so that a crash would \
                leave it what was before: invalidate after the commit, or try again";
    Error::new(cause.kind(), text).with_source(cause)
}

/// What an invalidation covers.
#[derive(Clone, Copy)]
enum Cover<'a> {
    Groups(&'a [Group]),
    Keys(&'a [Key]),
}

impl Cover<'_> {
    fn bump(self, engine: &Engine) {
        match self {
            Cover::Groups(groups) => {
                groups.iter().for_each(|group| engine.fences.bump_group(group.as_bytes()));
            }
            Cover::Keys(keys) => keys.iter().for_each(|key| {
                engine.fences.bump_key(key.as_bytes());
                engine.near.iter().for_each(|near| near.remove(key.as_bytes()));
            }),
        }
    }
}

/// Bumps the fences before the remote level is told, and again when that is over.
///
/// Without the first, readers here would go on until the remote level has answered. Without the
/// second, a reader could pull the old remote value back in between and keep it.
///
/// # Cancellation
///
/// A writer dropped half-way still bumps the second time.
struct Fence<'a> {
    engine: &'a Engine,
    cover: Cover<'a>,
    lowered: bool,
}

impl<'a> Fence<'a> {
    fn raise(engine: &'a Engine, cover: Cover<'a>) -> Self {
        cover.bump(engine);
        Self { engine, cover, lowered: false }
    }
}

impl Drop for Fence<'_> {
    fn drop(&mut self) {
        if !self.lowered {
            self.cover.bump(self.engine);
        }
    }
}
