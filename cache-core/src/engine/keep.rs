//! Keeping what was loaded or found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::answer::Value;
use super::fence::Snapshot;
use super::pack::Label;
use super::{Call, Engine};
use crate::backend::SetOutcome;
use crate::codec::measure;
use crate::level::near::NearEntry;
use crate::level::ticket::Ticket;
use crate::policy::{Ttl, TtlTable};
use crate::{Error, ErrorKind, Result};

/// What a near entry takes beyond its key and value, roughly: the entry, its counts and pointers.
const NEAR_OVERHEAD: usize = 256;

/// Whether the remote level now has the value.
enum Fill {
    /// It has, or could not be asked.
    Done,
    /// It refused: the value is from before an invalidation.
    Fenced,
}

impl Engine {
    /// Keeps a loaded value: in the remote level if there is a ticket, then near.
    pub(super) async fn keep<V: Value>(
        &self,
        call: Call<'_>,
        value: &Arc<V>,
        cost: Duration,
        ticket: Option<Ticket>,
        snapshot: &Snapshot,
    ) {
        let Some(fresh) = self.lifetime(call, &**value) else { return };
        let fill = match ticket {
            Some(ticket) => self.fill(call, &**value, fresh, cost, ticket).await,
            None => Ok(Fill::Done),
        };
        match fill {
            Ok(Fill::Done) => self.keep_near(call, value, fresh, snapshot),
            Ok(Fill::Fenced) => self.counters.fenced_fills.add_one(),
            Err(error) => {
                self.note_unstorable(call, &error);
                self.keep_near(call, value, fresh, snapshot);
            }
        }
    }

    /// Keeps a value near, for as long as it is fresh and we may trust ourselves.
    pub(super) fn keep_near<V: Value>(
        &self,
        call: Call<'_>,
        value: &Arc<V>,
        fresh: Duration,
        snapshot: &Snapshot,
    ) {
        let (Some(near), Ok(measure)) = (&self.near, measure(&**value)) else { return };
        if measure.weight > self.settings.max_value_bytes {
            return self.counters.values_too_large.add_one();
        }
        let weight = measure.weight + call.key.as_bytes().len() + NEAR_OVERHEAD;
        let heard = self.remote.as_ref().is_some_and(|remote| remote.ears().are_listening());
        let limit = if heard { Duration::MAX } else { self.unheard_limit() };
        let entry = Arc::new(NearEntry {
            value: Arc::<V>::clone(value),
            expires: self.clock.monotonic() + fresh.min(limit),
            snapshot: snapshot.clone(),
            live: AtomicBool::new(false),
            heard,
            weight: u32::try_from(weight).unwrap_or(u32::MAX),
            counters: Arc::clone(call.counters),
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

    /// Stores a value as a writer who knows it, whatever was there.
    pub(super) async fn fill_as_writer<V: Value>(
        &self,
        call: Call<'_>,
        value: &V,
        fresh: Duration,
    ) -> Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let ticket = remote.seize(call.key).await?;
        match self.fill(call, value, fresh, Duration::ZERO, ticket).await? {
            Fill::Done => {}
            Fill::Fenced => self.counters.fenced_fills.add_one(),
        }
        Ok(())
    }

    /// Returns how long a value lives; `None` if it is a "there is none" that is not cached.
    pub(super) fn lifetime<V: Value>(&self, call: Call<'_>, value: &V) -> Option<Duration> {
        let ttl = self.ttl(call);
        let none = measure(value).is_ok_and(|measure| measure.none);
        let lifetime = if none { ttl.none } else { Some(ttl.fresh) };
        lifetime.map(|lifetime| lifetime.clamp(Ttl::MIN, Ttl::MAX))
    }

    async fn fill<V: Value>(
        &self,
        call: Call<'_>,
        value: &V,
        fresh: Duration,
        cost: Duration,
        ticket: Ticket,
    ) -> Result<Fill> {
        let (key, schema) = (call.key, call.options.schema());
        let label = Label { key, schema, fresh, cost, generations: ticket.generations() };
        let entry = self.packer.pack(value, &label)?;
        Ok(match ticket.fill(entry, fresh).await? {
            SetOutcome::Echoed | SetOutcome::Stored => Fill::Done,
            SetOutcome::Refused => Fill::Fenced,
        })
    }

    fn ttl(&self, call: Call<'_>) -> Ttl {
        let (tier, entity) = (call.key.tier_name(), call.key.entity_name());
        call.options.ttl(&self.table, tier, entity).unwrap_or_else(|| {
            if !self.warned_of_table.swap(true, Ordering::Relaxed) {
                let ttl = TtlTable::FALLBACK.fresh;
                tracing::warn!(
                    entity,
                    tier,
                    ?ttl,
                    "the TTL table has no line for this; a `default` is missing"
                );
            }
            TtlTable::FALLBACK
        })
    }

    /// How long a near entry may live if nobody tells us of changes. Without a remote level nobody
    /// else makes any.
    fn unheard_limit(&self) -> Duration {
        if self.remote.is_some() { self.settings.degraded_ttl } else { Duration::MAX }
    }

    fn note_unstorable(&self, call: Call<'_>, error: &Error) {
        match error.kind() {
            ErrorKind::InvalidInput => self.counters.values_too_large.add_one(),
            ErrorKind::Unsupported => {
                self.counters.values_unsupported.add_one();
                tracing::error!(entity = call.key.entity(), %error, "a value cannot be stored");
            }
            // Counted where it happened.
            _ => {}
        }
    }
}
