//! Look-ups of many keys at once.

use cache_core::Key;
use cache_core::backend::{LeaseRequest, Slot};
use redis::{Pipeline, Value};

use crate::error::lost;
use crate::servers::{Answer, Purpose, Servers};
use crate::{ErrorKind, Result, reply, ttl};

/// Looks keys up, at replicas first if they are to be read from, and takes the leases of those under
/// which nothing is.
pub(crate) async fn slots(
    servers: &Servers,
    keys: &[Key],
    lease: Option<&LeaseRequest>,
) -> Vec<Result<Slot>> {
    if keys.is_empty() {
        return Vec::new();
    }
    if !servers.has_replicas() {
        return at_primaries(servers, keys, lease).await;
    }
    let entries = servers.glance(&gets(keys)).await.into_iter().map(|value| {
        match reply::slot(value?, None) {
            Ok(entry @ Slot::Entry(_)) => Some(Ok(entry)),
            _ => None,
        }
    });
    let entries: Vec<_> = entries.collect();
    let missing = remaining(keys, &entries);
    let rest =
        if missing.is_empty() { vec![] } else { at_primaries(servers, &missing, lease).await };
    completed(entries, rest)
}

async fn at_primaries(
    servers: &Servers,
    keys: &[Key],
    lease: Option<&LeaseRequest>,
) -> Vec<Result<Slot>> {
    let Some(lease) = lease else { return look(servers, keys, None).await };
    let answers = servers.ask(&takes(keys, lease), Purpose::Lease).await;
    let slot = |answer: Result<Answer>| match is_without_lease(&answer) {
        true => None,
        false => Some(answer.and_then(|answer| reply::slot(answer.value, Some(lease)))),
    };
    if !answers.iter().any(is_without_lease) {
        return answers.into_iter().filter_map(slot).collect();
    }
    let slots: Vec<_> = answers.into_iter().map(slot).collect();
    let rest = look(servers, &remaining(keys, &slots), Some(lease)).await;
    completed(slots, rest.into_iter().map(past_leases).collect())
}

/// Takes a lease of somebody else for nothing: where we get none, its holder may not be able to fill
/// it either, or to give it back.
fn past_leases(slot: Result<Slot>) -> Result<Slot> {
    match slot {
        Ok(Slot::Busy) => Ok(Slot::Missing),
        slot => slot,
    }
}

/// Whether no lease can be had: the server is full, or we lack the right to fill it.
fn is_without_lease(answer: &Result<Answer>) -> bool {
    match answer {
        Ok(answer) => reply::is_full(&answer.value),
        Err(error) => error.kind() == ErrorKind::Unsupported,
    }
}

/// Reads without taking leases. Not by `MGET`, to which a stranger's list is the same as nothing.
async fn look(servers: &Servers, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
    let slot = |answer: Result<Answer>| match answer?.value {
        Value::Nil => Ok(Slot::Missing),
        value => reply::slot(value, lease),
    };
    servers.ask(&gets(keys), Purpose::Other).await.into_iter().map(slot).collect()
}

fn gets(keys: &[Key]) -> Pipeline {
    let mut commands = Pipeline::with_capacity(keys.len());
    for key in keys {
        commands.cmd("GET").arg(key.as_bytes());
    }
    commands
}

/// Takes the leases of what is missing, and reads the rest.
fn takes(keys: &[Key], lease: &LeaseRequest) -> Pipeline {
    let mut commands = Pipeline::with_capacity(keys.len());
    for key in keys {
        let command = commands.cmd("SET").arg(key.as_bytes()).arg(lease.stamp.as_bytes());
        command.arg("NX").arg("GET").arg("PX").arg(ttl::milliseconds(lease.ttl));
    }
    commands
}

/// Returns the keys that have no answer yet.
fn remaining(keys: &[Key], slots: &[Option<Result<Slot>>]) -> Vec<Key> {
    let open = keys.iter().zip(slots).filter(|(_, slot)| slot.is_none());
    open.map(|(key, _)| key.clone()).collect()
}

/// Puts the answers of the remaining keys where they belong.
fn completed(slots: Vec<Option<Result<Slot>>>, rest: Vec<Result<Slot>>) -> Vec<Result<Slot>> {
    let mut rest = rest.into_iter();
    let mut next = || rest.next().unwrap_or_else(|| Err(lost()));
    slots.into_iter().map(|slot| slot.unwrap_or_else(&mut next)).collect()
}
