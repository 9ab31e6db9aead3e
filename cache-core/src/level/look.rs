//! Looking keys up in the remote level.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join;

use super::numbers::Generations;
use super::remote::Remote;
use super::ticket::Ticket;
use crate::Result;
use crate::backend::{LeaseRequest, Slot};
use crate::group::{Generation, Group};
use crate::key::Key;
use crate::wire::Flaw;

/// What a look-up under a lease found.
pub(crate) enum Look {
    /// The remote level did not answer: load, but write nothing there.
    Away,
    /// Somebody else is loading.
    Busy,
    /// Stored bytes, and the current generations of the key's groups.
    Entry(Bytes, Generations),
    /// Nothing, and it must stay so for now: load, but keep nothing anywhere.
    Held,
    /// Nothing; the right to fill it is ours.
    Ours(Ticket),
}

impl Remote {
    /// Looks `key` up, and takes its lease if nothing is there.
    pub(crate) async fn look(self: &Arc<Self>, key: &Key) -> Look {
        self.look_many(std::slice::from_ref(key)).await.pop().unwrap_or(Look::Away)
    }

    /// Looks `keys` up, and takes the leases of those under which nothing is.
    pub(crate) async fn look_many(self: &Arc<Self>, keys: &[Key]) -> Vec<Look> {
        if self.gate.admit().is_err() {
            return keys.iter().map(|_| Look::Away).collect();
        }
        let request = LeaseRequest::new(self.settings.lease_ttl);
        // Before the call: if it is dropped or times out half-way, leases may have been taken.
        let tickets: Vec<_> =
            keys.iter().map(|key| Ticket::new(self, key, request.stamp)).collect();
        let found = self.find(keys, Some(&request)).await;
        let aliens = keys.iter().zip(&found).filter(|(_, it)| matches!(it, Ok((Slot::Alien, _))));
        self.clear_aliens(aliens.map(|(key, _)| key.clone()).collect()).await;
        tickets.into_iter().zip(found).map(|(ticket, found)| looked(ticket, found)).collect()
    }

    /// Looks `keys` up without wanting to fill them.
    pub(crate) async fn peek_many(
        self: &Arc<Self>,
        keys: &[Key],
    ) -> Vec<Option<(Bytes, Generations)>> {
        let entry = |found| match found {
            Ok((Slot::Entry(bytes), generations)) => Some((bytes, generations)),
            _ => None,
        };
        self.find(keys, None).await.into_iter().map(entry).collect()
    }

    /// Reads slots, and the current generations of each key's groups.
    async fn find(
        self: &Arc<Self>,
        keys: &[Key],
        lease: Option<&LeaseRequest>,
    ) -> Vec<Result<(Slot, Generations)>> {
        let groups: Vec<Vec<Group>> = keys.iter().map(|key| key.groups().collect()).collect();
        let read = self.gate.backend.get(keys, lease);
        if groups.iter().any(|groups| self.known(groups).is_none()) {
            let both = async {
                let (slots, generations) = join(read, self.ask_for(&groups)).await;
                paired(slots, generations)
            };
            return self.gate.call_each(keys.len(), both).await;
        }
        let slots = self.gate.call_each(keys.len(), read).await;
        // What changed before the entries were read was told before they were returned.
        let known = groups.iter().map(|groups| self.known(groups)).collect::<Option<Vec<_>>>();
        match known {
            Some(known) => paired(slots, Ok(known)),
            None => paired(slots, self.gate.call(self.ask_for(&groups)).await),
        }
    }

    /// Asks the backend for the generations of some keys' groups, for each group once.
    async fn ask_for(&self, groups: &[Vec<Group>]) -> Result<Vec<Generations>> {
        let mut each: Vec<&Group> = groups.iter().flatten().collect();
        each.sort_unstable_by_key(|group| group.id());
        each.dedup_by_key(|group| group.id());
        let each: Vec<Group> = each.into_iter().cloned().collect();
        let generations = self.ask(&each).await?;
        let current = |group: &Group| {
            let place = each.binary_search_by_key(&group.id(), Group::id).ok();
            let current = place.and_then(|place| generations.get(place).copied());
            (group.id(), current.unwrap_or_else(Generation::fresh))
        };
        Ok(groups.iter().map(|groups| groups.iter().map(current).collect()).collect())
    }

    /// Removes what cannot even be compared, so that the next look can take the lease.
    async fn clear_aliens(self: &Arc<Self>, keys: Vec<Key>) {
        if keys.is_empty() {
            return;
        }
        keys.iter().for_each(|_| self.counters.flaws.count(Flaw::Foreign));
        // Who cannot be cleared is looked at again, until nobody waits any more.
        let _ = self.invalidate(&keys, None).await;
    }
}

/// What a look-up came to, and what becomes of its ticket.
fn looked(ticket: Ticket, found: Result<(Slot, Generations)>) -> Look {
    // On an error the lease may be ours all the same: the ticket gives it back.
    let Ok((slot, generations)) = found else { return Look::Away };
    match slot {
        // What others load now is of no use either; a lease that was taken goes back.
        Slot::Leased if generations.is_held() => Look::Held,
        _ if generations.is_held() => ticket.disarmed(Look::Held),
        Slot::Alien | Slot::Busy => ticket.disarmed(Look::Busy),
        Slot::Entry(bytes) => ticket.disarmed(Look::Entry(bytes, generations)),
        Slot::Held => ticket.disarmed(Look::Held),
        Slot::Leased => Look::Ours(ticket.under(generations)),
        Slot::Missing => ticket.disarmed(Look::Away),
    }
}

/// Gives every slot its generations, or none if they are not to be had.
fn paired(
    slots: Vec<Result<Slot>>,
    generations: Result<Vec<Generations>>,
) -> Vec<Result<(Slot, Generations)>> {
    match generations {
        Ok(generations) => {
            let pairs = slots.into_iter().zip(generations);
            pairs.map(|(slot, generations)| Ok((slot?, generations))).collect()
        }
        Err(error) => slots.iter().map(|_| Err(error.clone())).collect(),
    }
}
