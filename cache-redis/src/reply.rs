//! What the server answers, in our terms.

use bytes::Bytes;
use cache_core::Generation;
use cache_core::backend::{LeaseRequest, Slot};
use cache_core::wire::{Mark, Stamp};
use redis::Value;

use crate::Result;
use crate::error::unexpected;

/// Reads what was found under one key.
pub(crate) fn slot(answer: Value, lease: Option<&LeaseRequest>) -> Result<Slot> {
    match answer {
        Value::Nil if lease.is_some() => Ok(Slot::Leased),
        Value::Nil => Ok(Slot::Missing),
        Value::BulkString(stored) => Ok(found(stored, lease)),
        answer if is_refused(&answer, WRONG_TYPE) => Ok(Slot::Alien),
        answer => Err(unexpected(&answer)),
    }
}

fn found(stored: Vec<u8>, lease: Option<&LeaseRequest>) -> Slot {
    match (Mark::of(&stored), lease) {
        (Mark::Entry | Mark::Foreign, _) => Slot::Entry(Bytes::from(stored)),
        (Mark::Lease | Mark::Tombstone, None) => Slot::Missing,
        // The same key twice in one call.
        (Mark::Lease, Some(lease)) if Stamp::of(&stored) == lease.stamp => Slot::Leased,
        (Mark::Lease, Some(_)) => Slot::Busy,
        (Mark::Tombstone, Some(_)) => Slot::Held,
    }
}

/// Reads the generation of one group; `None` if there is none.
pub(crate) fn generation(answer: &Value) -> Result<Option<Generation>> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(stored) => Ok(Some(Generation::from_stored(stored))),
        answer => Err(unexpected(answer)),
    }
}

/// Reads whether a script did what it was asked to.
pub(crate) fn is_done(answer: &Value) -> Result<bool> {
    match answer {
        Value::Int(number) => Ok(*number != 0),
        answer if is_refused(answer, WRONG_TYPE) => Ok(false),
        answer => Err(unexpected(answer)),
    }
}

/// Sees that each command was performed.
pub(crate) fn performed(answers: &[Value]) -> Result<()> {
    let is_refusal = |answer: &&Value| matches!(answer, Value::ServerError(_));
    answers.iter().find(is_refusal).map_or(Ok(()), |refusal| Err(unexpected(refusal)))
}

/// Reads one field of the server's answer to `HELLO`, such as its `role`.
pub(crate) fn field<'a>(answer: &'a Value, wanted: &str) -> Option<&'a [u8]> {
    let Value::Map(fields) = answer else { return None };
    fields.iter().find_map(|(name, value)| match (name, value) {
        (Value::BulkString(name), Value::BulkString(value)) if name == wanted.as_bytes() => {
            Some(&value[..])
        }
        _ => None,
    })
}

/// The code of a command that cannot work on what is stored.
pub(crate) const WRONG_TYPE: &str = "WRONGTYPE";

/// Whether a command was refused with this code.
pub(crate) fn is_refused(answer: &Value, code: &str) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == code)
}

/// Whether a command was refused because the server is out of memory.
pub(crate) fn is_full(answer: &Value) -> bool {
    is_refused(answer, "OOM")
}
