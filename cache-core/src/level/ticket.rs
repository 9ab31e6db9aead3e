//! A ticket: the right to fill one key, given back if it is not used.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::numbers::Generations;
use super::remote::Remote;
use crate::backend::SetOutcome;
use crate::group::Group;
use crate::key::Key;
use crate::wire::Stamp;

/// The numbers from before a load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    /// Those of the key's groups.
    pub(super) generations: Generations,
    /// The number that moves with every tag, if tags may be named later.
    pub(super) any_tag: Option<(u64, u64)>,
}

/// The right to fill one key: our lease is in its place, or may be.
///
/// # Cancellation
///
/// Dropping a ticket gives the lease back in the background, so that the next caller can load at
/// once. Without a runtime to do so, the lease ends by its own TTL.
pub(crate) struct Ticket {
    remote: Arc<Remote>,
    key: Key,
    stamp: Stamp,
    generations: Generations,
    /// The groups of the last of the generations, which the entry names.
    tags: Vec<Group>,
    /// The number that moves with every tag, if it was asked for.
    any_tag: Option<(u64, u64)>,
    armed: bool,
    /// The lease that keeps others from refreshing the entry at the same time.
    refresh: Option<Box<Ticket>>,
}

impl Ticket {
    pub(super) fn new(remote: &Arc<Remote>, key: &Key, stamp: Stamp) -> Self {
        let (remote, key, tags) = (Arc::clone(remote), key.clone(), key.tags().to_vec());
        let generations = Generations::default();
        let (any_tag, refresh) = (None, None);
        Self { remote, key, stamp, generations, tags, any_tag, armed: true, refresh }
    }

    /// Returns the right to replace an entry by a newer one, which leaves it as it is when it is
    /// given up.
    pub(super) fn to_refresh(remote: &Arc<Remote>, key: &Key, entry: Stamp) -> Self {
        let mut ticket = Self::new(remote, key, entry);
        ticket.armed = false;
        ticket
    }

    /// Adds the lease that keeps others from refreshing the entry.
    pub(super) fn beside(mut self, lease: Self) -> Self {
        self.refresh = Some(Box::new(lease));
        self
    }

    /// Gives up a fill, and has what was to be replaced removed, if it is there still.
    pub(crate) async fn end(mut self) {
        // Dropped half-way, or if it fails, that is done in the background.
        self.armed = true;
        let (gate, stamp) = (&self.remote.gate, self.stamp);
        let ended = gate.call(gate.backend.release(&self.key, &stamp)).await;
        self.armed = ended.is_err();
    }

    /// Gives up a refresh that failed, and keeps others from it for a while.
    pub(crate) async fn rest(mut self, time: Duration) {
        let Some(mut lease) = self.refresh.take() else { return };
        let stored = Bytes::copy_from_slice(lease.stamp.as_bytes());
        let kept = lease.remote.replace(&lease.key, stored, lease.stamp, time).await;
        // If it is not kept it is given back.
        lease.armed = kept.is_err();
    }

    /// Returns the ticket for a load that begins under `generations`.
    pub(super) fn under(mut self, Before { generations, any_tag }: Before) -> Self {
        (self.generations, self.any_tag) = (generations, any_tag);
        self
    }

    /// Adds tags that the load has named; `None`, and the lease goes back, if one of them may have
    /// been invalidated since the load began.
    ///
    /// Writers move the number of any tag before that of their tag. If it has not moved by the time
    /// the tags' numbers are known, these are from before every invalidation that the load may have
    /// missed.
    pub(crate) async fn tagged(mut self, tags: Vec<Group>) -> Option<Self> {
        let before = self.any_tag?;
        if self.remote.gate.owes_any(&tags) {
            return None;
        }
        let generations = self.remote.generations(&tags).await.ok()?;
        let any_tag = [Group::any_tag(self.key.prefix())];
        let now = self.remote.generations_now(&any_tag).await.ok()?;
        if now.numbers() != [before] || generations.is_held() {
            return None;
        }
        self.generations.extend(&generations);
        self.tags.extend(tags);
        Some(self)
    }

    /// Returns the names of the entry's tags.
    pub(crate) fn tag_names(&self) -> Vec<Box<[u8]>> {
        self.tags.iter().map(|tag| tag.tag_name().into()).collect()
    }

    /// Gives up a lease that was not taken.
    pub(super) fn disarm(mut self) {
        self.armed = false;
    }

    /// As [`disarm`](Self::disarm), with an answer to go on with.
    pub(super) fn disarmed<T>(self, answer: T) -> T {
        self.disarm();
        answer
    }

    /// Returns the generations that the load began under.
    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
    }

    /// Puts `entry` in the lease's place; refused if the lease is gone. An error leaves it open
    /// whether the entry was stored: if so, it was under the lease.
    pub(crate) async fn fill(mut self, entry: Bytes, ttl: Duration) -> crate::Result<SetOutcome> {
        let outcome = self.remote.replace(&self.key, entry, self.stamp, ttl).await?;
        self.armed = false;
        Ok(outcome)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({:?})", self.key)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        self.remote.releases.add(self.key.clone(), self.stamp);
    }
}
