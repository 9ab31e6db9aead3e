//! Looking keys up in the remote level.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join;

use super::journal::Cover;
use super::numbers::Generations;
use super::remote::Remote;
use super::ticket::{Before, Ticket};
use crate::backend::{LeaseRequest, Slot};
use crate::engine::fence::Marks;
use crate::group::{Generation, Group};
use crate::key::Key;
use crate::stats::Event;
use crate::wire::{Flaw, tag_names};
use crate::{Error, ErrorKind, Result};

/// What a look-up under a lease found.
pub(crate) enum Look {
    /// The remote level did not answer: load, but write nothing there.
    Away,
    /// Somebody else is loading.
    Busy,
    /// Stored bytes.
    Entry(Found),
    /// Nothing, and it must stay so for now: load, but keep nothing anywhere.
    Held,
    /// Nothing; the right to fill it is ours.
    Ours(Ticket),
}

/// Stored bytes, and what they must be compared with.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    /// The current generations of its groups.
    pub(crate) current: Generations,
    /// Where its groups stood that the key does not name, before their generations were known.
    pub(crate) marks: Marks,
    /// The numbers for a load that replaces it.
    pub(crate) before: Before,
}

impl Look {
    /// Returns what a look comes to that goes past the remote level.
    fn past(cover: Cover) -> Self {
        if cover == Cover::Held { Self::Held } else { Self::Away }
    }
}

impl Remote {
    /// Looks `key` up, and takes its lease if nothing is there. `late`: a load may name tags.
    pub(crate) async fn look(self: &Arc<Self>, key: &Key, late: bool) -> Look {
        self.look_many(std::slice::from_ref(key), late).await.pop().unwrap_or(Look::Away)
    }

    /// Looks `keys` up, and takes the leases of those under which nothing is.
    pub(crate) async fn look_many(self: &Arc<Self>, keys: &[Key], late: bool) -> Vec<Look> {
        if self.gate.knock().is_err() {
            return keys.iter().map(|key| Look::past(self.gate.covers(key))).collect();
        }
        let look = async |keys: &[Key]| self.look_at(keys, late).await;
        self.but_for_owed(keys, look, Look::past).await
    }

    async fn look_at(self: &Arc<Self>, keys: &[Key], late: bool) -> Vec<Look> {
        let request = LeaseRequest::new(self.settings.lease_ttl);
        // Before the call: if it is dropped or times out half-way, leases may have been taken.
        let tickets: Vec<_> =
            keys.iter().map(|key| Ticket::new(self, key, request.stamp)).collect();
        let slots = self.find(keys, Some(&request), late).await;
        let aliens = keys.iter().zip(&slots).filter(|(_, it)| matches!(it, Ok((Slot::Alien, _))));
        self.clear_aliens(aliens.map(|(key, _)| key.clone()).collect()).await;
        let found = self.compared(keys, slots).await;
        tickets.into_iter().zip(found).map(|(ticket, found)| looked(ticket, found)).collect()
    }

    /// Looks `keys` up without wanting to fill them.
    pub(crate) async fn peek_many(self: &Arc<Self>, keys: &[Key]) -> Vec<Option<Found>> {
        let peek = async |keys: &[Key]| {
            let slots = self.find(keys, None, false).await;
            let found = self.compared(keys, slots).await.into_iter();
            found.map(|found| found.ok().and_then(|(_, _, entry)| entry)).collect()
        };
        self.but_for_owed(keys, peek, |_| None).await
    }

    /// Reads keys, but for those whose end the backend has not been told of yet.
    async fn but_for_owed<T>(
        &self,
        keys: &[Key],
        read: impl AsyncFnOnce(&[Key]) -> Vec<T>,
        past: impl Fn(Cover) -> T,
    ) -> Vec<T> {
        let covers: Vec<Cover> = keys.iter().map(|key| self.gate.covers(key)).collect();
        if covers.iter().all(|cover| *cover == Cover::None) {
            return read(keys).await;
        }
        let open = keys.iter().zip(&covers).filter(|(_, cover)| **cover == Cover::None);
        let open: Vec<Key> = open.map(|(key, _)| key.clone()).collect();
        let mut read = if open.is_empty() { Vec::new() } else { read(&open).await }.into_iter();
        let mut answer = |cover| match cover {
            Cover::None => read.next().unwrap_or_else(|| past(Cover::Ended)),
            cover => past(cover),
        };
        covers.into_iter().map(&mut answer).collect()
    }

    /// Reads slots, and the current generations of each key's groups.
    async fn find(
        self: &Arc<Self>,
        keys: &[Key],
        lease: Option<&LeaseRequest>,
        late: bool,
    ) -> Vec<Result<(Slot, Before)>> {
        let groups: Vec<Vec<Group>> = keys.iter().map(|key| groups_before(key, late)).collect();
        let read = self.gate.backend.get(keys, lease);
        if groups.iter().any(|groups| self.known(groups).is_none()) {
            let both = async {
                let (slots, generations) = join(read, self.ask_for(&groups)).await;
                paired(slots, generations, late)
            };
            return self.gate.call_each(keys.len(), both).await;
        }
        let slots = self.gate.call_each(keys.len(), read).await;
        // What changed before the entries were read was told before they were returned.
        paired(slots, self.generations_of(&groups).await, late)
    }

    /// Finds out what entries must be compared with: those with other tags than their keys need
    /// more generations.
    async fn compared(
        self: &Arc<Self>,
        keys: &[Key],
        slots: Vec<Result<(Slot, Before)>>,
    ) -> Vec<Result<(Slot, Before, Option<Found>)>> {
        let tags_of = |(key, slot): (&Key, &Result<(Slot, Before)>)| match slot {
            Ok((Slot::Entry(bytes), _)) => other_tags(key, bytes),
            _ => None,
        };
        let tags: Vec<_> = keys.iter().zip(&slots).map(tags_of).collect();
        // Before anything is compared: what moves from here on is seen by the near copy's marks.
        let marks: Vec<Marks> = tags.iter().map(|tags| self.marks(tags.as_deref())).collect();
        let is_owed =
            |tags: &Option<Vec<Group>>| tags.as_ref().is_some_and(|tags| self.gate.owes_any(tags));
        let slots = slots.into_iter().zip(&tags);
        let slots: Vec<_> =
            slots.map(|(slot, tags)| if is_owed(tags) { Err(owed()) } else { slot }).collect();
        let groups = |(key, tags): (&Key, &Option<Vec<Group>>)| {
            tags.as_ref().map(|tags| key.groups_but_tags().chain(tags.iter().cloned()).collect())
        };
        let more: Vec<Vec<Group>> = keys.iter().zip(&tags).filter_map(groups).collect();
        let mut more = self.generations_of(&more).await.map(Vec::into_iter);
        let mut compare = |(slot, (tags, marks)): (Result<(Slot, Before)>, (_, Marks))| {
            let (slot, before) = slot?;
            let current = match (&tags, &mut more) {
                (Some(_), Ok(more)) => more.next().unwrap_or_default(),
                (Some::<Vec<Group>>(_), Err(error)) => return Err(error.clone()),
                (None, _) => before.generations.clone(),
            };
            let entry = match &slot {
                Slot::Entry(bytes) => {
                    let (bytes, before) = (bytes.clone(), before.clone());
                    Some(Found { bytes, current, marks, before })
                }
                _ => None,
            };
            Ok((slot, before, entry))
        };
        slots.into_iter().zip(tags.into_iter().zip(marks)).map(&mut compare).collect()
    }

    /// Returns the generations of some keys' groups: those that are known, or else asked for.
    async fn generations_of(self: &Arc<Self>, groups: &[Vec<Group>]) -> Result<Vec<Generations>> {
        match groups.iter().map(|groups| self.known(groups)).collect::<Option<Vec<_>>>() {
            Some(known) => Ok(known),
            None => self.gate.call(self.ask_for(groups)).await,
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
        for key in &keys {
            let (entity, flaw) = (key.entity(), Flaw::Foreign);
            self.counters.note(Event::Flawed { entity, flaw });
        }
        // Who cannot be cleared is looked at again, until nobody waits any more.
        let _ = self.invalidate(&keys, None).await;
    }
}

fn owed() -> Error {
    Error::new(ErrorKind::Backend, "the remote level has not been told of the end of a tag yet")
}

/// The groups whose numbers a load needs from before it begins.
fn groups_before(key: &Key, late: bool) -> Vec<Group> {
    key.groups().chain(late.then(|| Group::any_tag(key.prefix()))).collect()
}

/// Returns the tags of an entry, if they are others than those of the key it was found under.
fn other_tags(key: &Key, stored: &[u8]) -> Option<Vec<Group>> {
    let names = tag_names(stored);
    let same = key.tags().iter().map(Group::tag_name).eq(names.iter().copied());
    (!same).then(|| names.into_iter().map(|name| Group::tag(key.prefix(), name)).collect())
}

/// Gives every slot its generations, or none if they are not to be had.
fn paired(
    slots: Vec<Result<Slot>>,
    generations: Result<Vec<Generations>>,
    late: bool,
) -> Vec<Result<(Slot, Before)>> {
    let generations = match generations {
        Ok(generations) => generations,
        Err(error) => return slots.iter().map(|_| Err(error.clone())).collect(),
    };
    let pair = |(slot, mut generations): (Result<Slot>, Generations)| {
        let any_tag = if late { generations.pop() } else { None };
        Ok((slot?, Before { generations, any_tag }))
    };
    slots.into_iter().zip(generations).map(pair).collect()
}

/// What a look-up came to, and what becomes of its ticket.
fn looked(ticket: Ticket, found: Result<(Slot, Before, Option<Found>)>) -> Look {
    // On an error the lease may be ours all the same: the ticket gives it back.
    let Ok((slot, before, entry)) = found else { return Look::Away };
    match (slot, entry) {
        // What others load now is of no use either; a lease that was taken goes back.
        (Slot::Leased, _) if before.generations.is_held() => Look::Held,
        _ if before.generations.is_held() => ticket.disarmed(Look::Held),
        (_, Some(entry)) => ticket.disarmed(Look::Entry(entry)),
        (Slot::Alien | Slot::Busy, _) => ticket.disarmed(Look::Busy),
        (Slot::Held, _) => ticket.disarmed(Look::Held),
        (Slot::Leased, _) => Look::Ours(ticket.under(before)),
        (Slot::Entry(_) | Slot::Missing, None) => ticket.disarmed(Look::Away),
    }
}
