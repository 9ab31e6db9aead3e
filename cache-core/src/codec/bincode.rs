//! The default codec: small and fast, without names.

use bincode::config::{self, Config};
use bincode::serde::{encode_into_std_write, seed_decode_from_slice};
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _};

use super::{Codec, CodecId, MAX_DECODED, Visit};
use crate::{Error, ErrorKind, Result};

/// The longest payload of [`Bincode`].
///
/// Far above what is worth caching, and far below what hurts.
pub const MAX_PAYLOAD: usize = 16 << 20;

/// Writes the values of a type one after the other, without names.
///
/// The fastest and smallest codec here, for types that this library can see through. It cannot decode
/// what needs names: `#[serde(untagged)]`, `#[serde(tag = "…")]`, `#[serde(flatten)]`,
/// `#[serde(skip_serializing_if = "…")]`, `serde_json::Value`. Such a type is refused when it is first
/// written; prefer a codec that describes itself for it, such as `Json` with the feature `json`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bincode;

impl Bincode {
    pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<()> {
        let before = out.len();
        encode_into_std_write(value, out, settings()).map_err(|_| {
            let text = "bincode cannot write this value: use a codec that describes itself, \
                        such as `Json` (feature `json`)";
            Error::new(ErrorKind::Unsupported, text)
        })?;
        check_len(out.len() - before, ErrorKind::TooLarge)
    }

    pub(super) fn read<'de, S: DeserializeSeed<'de>>(
        seed: S,
        bytes: &'de [u8],
    ) -> Result<S::Value> {
        check_len(bytes.len(), ErrorKind::Corrupt)?;
        let (value, read) = seed_decode_from_slice(seed, bytes, settings())
            .map_err(|_| Error::new(ErrorKind::Corrupt, "bincode cannot read this payload"))?;
        if read != bytes.len() {
            let text = format!("bincode read {read} of {} bytes", bytes.len());
            return Err(Error::new(ErrorKind::Corrupt, text));
        }
        Ok(value)
    }
}

impl Codec for Bincode {
    fn id(&self) -> CodecId {
        CodecId::BINCODE
    }

    fn self_describing(&self) -> bool {
        false
    }

    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
        Self::write(value, out)
    }

    fn decode(&self, bytes: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        Self::read(Erased(visit), bytes)
    }
}

fn check_len(len: usize, kind: ErrorKind) -> Result<()> {
    if len > MAX_PAYLOAD {
        let text = format!("a payload of {len} bytes, bincode takes {MAX_PAYLOAD} at most");
        return Err(Error::new(kind, text));
    }
    Ok(())
}

/// The one configuration; another would need another [`CodecId`].
///
/// Without a limit nine bytes that claim a long string end the process. The limit does not count bytes:
/// a number counts with its full width, up to 16 for the one byte that it may take.
fn settings() -> impl Config {
    config::standard().with_limit::<MAX_DECODED>()
}

/// Hands a typed deserializer to an untyped visit.
struct Erased<'a, 'v>(&'a mut Visit<'v>);

impl<'de> DeserializeSeed<'de> for Erased<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(deserializer);
        (self.0)(&mut erased).map_err(D::Error::custom)
    }
}
