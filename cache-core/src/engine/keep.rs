//! Keeping what was loaded or written.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Value;
use super::decide::{Left, early};
use super::fence::Snapshot;
use super::loaded::Loaded;
use super::pack::{Label, Packed};
use super::{Call, Engine};
use crate::backend::SetOutcome;
use crate::codec::{Measure, measure};
use crate::level::ears::Echo;
use crate::level::near::NearEntry;
use crate::level::ticket::Ticket;
use crate::policy::Lifetime;
use crate::stats::{Event, LineEvent};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::wire::Stamp;
use crate::{Error, ErrorKind, Result};

/// What a near entry takes beyond its key and value, roughly: the entry, its counts and pointers.
const NEAR_OVERHEAD: usize = 256;

/// A near copy to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NearCopy {
    /// What the value weighs, in bytes of memory.
    pub(super) weight: usize,
    /// How much longer it may be served.
    pub(super) left: Left,
    /// For how long before the end of its fresh time it may be refreshed.
    pub(super) early: Duration,
    /// When it was asked of its source, on the monotonic clock: it may be that old.
    pub(super) asked: Duration,
    pub(super) backing: Backing,
}

/// Whether the remote level has the value too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Backing {
    /// It has not: nobody is told when others invalidate what is not there.
    None,
    /// It has: a change is told.
    Remote,
}

/// What a fill came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled {
    pub(super) outcome: SetOutcome,
    /// What the entry begins with.
    pub(super) stamp: Stamp,
}

/// What a value may be kept on the strength of.
#[derive(Debug)]
struct Grounds<'a> {
    /// The right to fill the remote level.
    ticket: Option<Ticket>,
    /// Where the fences stood.
    snapshot: Cow<'a, Snapshot>,
}

impl Engine {
    /// Keeps a loaded value: in the remote level if there is a ticket, then near.
    pub(super) async fn keep<V: Value>(
        &self,
        call: Call<'_>,
        loaded: &Loaded<V>,
        cost: Duration,
        ticket: Option<Ticket>,
        snapshot: &Snapshot,
    ) {
        if !loaded.is_cached {
            return;
        }
        let asked = self.clock.monotonic().saturating_sub(cost);
        let value = &loaded.value;
        let measure = match self.measure(&**value) {
            Ok(measure) => measure,
            Err(error) => {
                self.note_unstorable(call, &error);
                return self.end_older(call, ticket).await;
            }
        };
        if self.is_overtagged(call, loaded) {
            return self.end_older(call, ticket).await;
        }
        let Some(lifetime) = self.lifetime(call, measure, loaded.times) else {
            return self.end_older(call, ticket).await;
        };
        let Some(Grounds { ticket, snapshot }) = self.grounds(call, loaded, ticket, snapshot).await
        else {
            return;
        };
        let mut copy = NearCopy {
            weight: measure.weight,
            left: lifetime.near_left(),
            early: early(cost, self.refresh_ahead(call)),
            asked,
            backing: Backing::None,
        };
        let Some(ticket) = ticket else { return self.keep_near(call, value, copy, &snapshot) };
        match self.fill(call, &**value, lifetime, cost, ticket).await {
            Ok(filled) => {
                copy.backing = Backing::Remote;
                if let Some(snapshot) = self.settled(call, filled, &snapshot).await {
                    self.keep_near(call, value, copy, &snapshot);
                }
            }
            Err(error) => {
                self.note_unstorable(call, &error);
                if error.kind() == ErrorKind::TooLarge {
                    return self.end_older_here(call);
                }
                self.keep_near(call, value, copy, &snapshot);
            }
        }
    }

    /// Ends what is cached of a key where the loader knows better, and that is not kept: it would be
    /// served as stale otherwise.
    pub(super) async fn end_older(&self, call: Call<'_>, ticket: Option<Ticket>) {
        match (ticket, &self.remote, &self.near) {
            (Some(ticket), ..) => ticket.end().await,
            // What is near was there too: it is owed the end of that, as it cannot be told now.
            (None, Some(remote), Some(near)) if near.get(call.key).is_some() => {
                drop(remote.debt_of_keys(std::slice::from_ref(call.key), None));
            }
            (None, ..) => {}
        }
        // After that: who has read it in the meantime does not keep it.
        self.end_older_here(call);
    }

    fn end_older_here(&self, call: Call<'_>) {
        self.fences.bump_key(call.key.as_bytes());
        self.near.iter().for_each(|near| near.remove(call.key.as_bytes()));
    }

    /// Whether a value has too many tags to be kept.
    fn is_overtagged<V>(&self, call: Call<'_>, loaded: &Loaded<V>) -> bool {
        let tagged = loaded.tags.iter().fold(call.key.clone(), |key, tag| key.tag(tag));
        if tagged.is_overtagged() {
            let text = "an entry has at most 255 tags: use fewer";
            self.note_unstorable(call, &Error::new(ErrorKind::InvalidInput, text));
        }
        tagged.is_overtagged()
    }

    /// Returns on what grounds a value may be kept, its late tags included; `None` if one of them
    /// may have been invalidated since the load began.
    async fn grounds<'a, V>(
        &self,
        call: Call<'_>,
        loaded: &Loaded<V>,
        ticket: Option<Ticket>,
        snapshot: &'a Snapshot,
    ) -> Option<Grounds<'a>> {
        if loaded.tags.is_empty() {
            return Some(Grounds { ticket, snapshot: Cow::Borrowed(snapshot) });
        }
        let tagged = loaded.tags.iter().fold(call.key.clone(), |key, tag| key.tag(tag));
        let tags = tagged.tags()[call.key.tags().len()..].to_vec();
        let marks = self.fences.marks(&tags);
        let ticket = match ticket {
            Some(ticket) => Some(ticket.tagged(tags).await?),
            None => None,
        };
        let holds = !self.fences.any_tag_moved(snapshot);
        holds.then(|| Grounds { ticket, snapshot: Cow::Owned(snapshot.with(marks)) })
    }

    /// Returns the snapshot under which a value that was just filled may be kept near.
    ///
    /// If the fill is echoed, its own news would end the copy. So the store is asked whether the
    /// fill is still there: its answer comes after the echo, and shows that the echo stood for
    /// nobody else's change.
    pub(super) async fn settled(
        &self,
        call: Call<'_>,
        filled: Filled,
        snapshot: &Snapshot,
    ) -> Option<Snapshot> {
        let (remote, _) = (self.remote.as_ref()?, self.near.as_ref()?);
        // A copy: nobody may join the flight on the strength of this echo, which can stand for an
        // invalidation of what it has loaded.
        let snapshot = snapshot.clone();
        match filled.outcome {
            SetOutcome::Echoed => snapshot.expect_echo(),
            SetOutcome::Refused => return None,
            SetOutcome::Stored => return Some(snapshot),
        }
        for again in [false, true] {
            if !remote.holds(call.key, &filled.stamp).await {
                return None;
            }
            let (heard, expected) = (self.fences.moved(&snapshot), snapshot.echoes());
            match remote.ears().judge_echo(heard, expected, again) {
                Echo::Heard => return Some(snapshot.past_echoes()),
                Echo::None => return Some(snapshot),
                Echo::Other => return None,
                Echo::Unsure => {}
            }
        }
        None
    }

    /// Keeps a value near, for as long as it may be served and we may trust ourselves.
    pub(super) fn keep_near<V: Value>(
        &self,
        call: Call<'_>,
        value: &Arc<V>,
        copy: NearCopy,
        snapshot: &Snapshot,
    ) {
        let Some(near) = self.near.as_ref().filter(|_| !call.key.is_overtagged()) else { return };
        let NearCopy { weight, left, early, asked, backing } = copy;
        let weight = weight.saturating_add(call.key.as_bytes().len() + NEAR_OVERHEAD);
        // Of one that is nested too deep, nobody knows the weight.
        let Ok(weight) = u32::try_from(weight) else { return };
        let heard = self.is_listening() && backing == Backing::Remote;
        let now = self.clock.monotonic();
        // What others have changed since it was asked for may not have been told either.
        let limit = if heard { Duration::MAX } else { asked.saturating_add(self.unheard_limit()) };
        let fresh_until = now.saturating_add(left.fresh).min(limit);
        // At most what is left, so that it never was calm before it was there.
        let early_ms = early.min(left.fresh).as_millis().try_into().unwrap_or(u32::MAX);
        let entry = Arc::new(NearEntry {
            value: Arc::<V>::clone(value),
            calm_until: fresh_until.saturating_sub(Duration::from_millis(early_ms.into())),
            early_ms,
            expires: now.saturating_add(left.stale).min(limit),
            snapshot: snapshot.clone(),
            live: AtomicBool::new(false),
            heard,
            weight,
            line: Arc::clone(call.line),
        });
        near.insert(call.key, Arc::clone(&entry));
        // Stored first, checked then: whoever bumps after the check removes it, and whoever bumped
        // before is seen by the check.
        if self.fences.hold(snapshot) {
            entry.live.store(true, Ordering::Release);
        } else {
            near.remove(call.key.as_bytes());
        }
    }

    /// Fills the remote level; refused if the value is from before an invalidation.
    pub(super) async fn fill<V: Value>(
        &self,
        call: Call<'_>,
        value: &V,
        lifetime: Lifetime,
        cost: Duration,
        ticket: Ticket,
    ) -> Result<Filled> {
        let (key, schema) = (call.key, call.options.schema());
        let (generations, tags) = (ticket.generations().numbers(), ticket.tag_names());
        let label = Label { key, schema, lifetime, cost, generations, tags };
        let Packed { entry, payload, stored } = match self.packer.pack(value, label) {
            Ok(packed) => packed,
            Err(error) => {
                ticket.end().await;
                return Err(error);
            }
        };
        call.line.note(LineEvent::Stored { payload, stored });
        let stamp = Stamp::of(&entry);
        let outcome = ticket.fill(entry, lifetime.stale).await?;
        if outcome == SetOutcome::Refused {
            call.line.note(LineEvent::Fenced);
        }
        Ok(Filled { outcome, stamp })
    }

    /// Returns how early a value is refreshed.
    pub(super) fn refresh_ahead(&self, call: Call<'_>) -> f64 {
        call.options.ahead().unwrap_or(self.settings.refresh_ahead)
    }

    /// Measures a value. Where there is no remote level, which would encode it, the estimate of its
    /// size is what the limit is compared with.
    pub(super) fn measure<V: Value>(&self, value: &V) -> Result<Measure> {
        let measure = measure(value)?;
        if self.remote.is_some() {
            return Ok(measure);
        }
        measure.check_depth::<V>()?;
        if measure.weight > self.settings.max_value_bytes {
            let text =
                format!("a value of about {} bytes is over `max_value_bytes`", measure.weight);
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        Ok(measure)
    }

    pub(super) fn note_unstorable(&self, call: Call<'_>, error: &Error) {
        match error.kind() {
            ErrorKind::TooLarge => self.note(Event::ValueTooLarge),
            ErrorKind::InvalidInput | ErrorKind::Unsupported => {
                self.note(Event::ValueUnsupported { entity: call.key.entity(), error });
            }
            // Counted where it happened.
            _ => {}
        }
    }

    /// Whether every change that others make is told.
    pub(super) fn is_listening(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.ears().are_listening())
    }

    /// How long a near entry may live if nobody tells us of changes. Without a remote level nobody
    /// else makes any.
    fn unheard_limit(&self) -> Duration {
        if self.remote.is_some() { self.settings.degraded_ttl } else { Duration::MAX }
    }
}

#[cfg(test)]
mod tests;
