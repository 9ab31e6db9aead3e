//! A number for the shape of a type, which changes when the meaning of its payloads does.
//!
//! `T::deserialize` is driven with a deserializer that has no data: it writes down what it is asked for
//! and answers with made-up values. One pass sees one variant of each enum; so every pass notes the
//! decisions it took (`path`), and further passes follow the same decisions up to an enum to take
//! its next variant. A made-up value that a type refuses is replaced by the next candidate and the
//! pass repeated.

mod answers;
mod path;
mod probe;
mod reader;
mod shape;
#[cfg(test)]
mod tests;

use std::any::type_name;

use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{Error, ErrorKind, Result};
use probe::{Dead, Probe};

/// Returns the fingerprint of the shape of `T`.
///
/// Two types have the same fingerprint if they have the same names (of types, fields and variants, as
/// serde sees them), in the same order, with the same types of values, all the way down. It is the
/// same in every process and on every platform. It does not see what only a value shows: units,
/// meaning, or the limits of a number; nor the branches of a hand-written `Deserialize` that asks for
/// other things after it has seen certain values.
///
/// This takes microseconds to milliseconds: ask once per type.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if the shape cannot be seen: `untagged`, `flatten`, `tag = "…"`,
/// `serde_json::Value`, or a type that accepts none of the values that were tried.
pub fn of<T: DeserializeOwned>() -> Result<u64> {
    match Probe::explore::<T>() {
        Ok(record) => Ok(xxh3_64(&record)),
        Err(dead) => Err(opaque::<T>(dead)),
    }
}

/// Returns the fingerprint of `T` in the version that its owner gave it.
///
/// Where the shape can be seen it counts as well; where not, the name of the type stands for it, and
/// the owner must change the version with the shape.
pub fn versioned<T: DeserializeOwned>(version: u32) -> u64 {
    // The plain fingerprint has seed zero.
    let seed = u64::from(version) + 1;
    match Probe::explore::<T>() {
        Ok(record) => xxh3_64_with_seed(&record, seed),
        Err(_) => xxh3_64_with_seed(type_name::<T>().as_bytes(), seed),
    }
}

fn opaque<T>(dead: Dead) -> Error {
    let text = format!(
        "the shape of `{}` cannot be seen: {dead}; add `#[cached(version = N)]` and change N with \
         the type, or choose a codec that describes itself, such as `Json` (feature `json`)",
        type_name::<T>(),
    );
    Error::new(ErrorKind::Unsupported, text)
}
