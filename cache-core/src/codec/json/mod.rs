//! The codec that names its fields, and that people can read.

mod strict;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use self::strict::Strict;
use super::{Codec, CodecId, Visit};
use crate::{Error, ErrorKind, Result};

/// How deep the arrays and objects of a payload are nested at most; `serde_json` reads no deeper.
const MAX_NESTING: usize = 127;

/// Writes values as JSON, by `serde_json`. Needs the feature `json`.
///
/// For types that [`Bincode`](super::Bincode) cannot read back: `#[serde(untagged)]`,
/// `#[serde(tag = "…")]`, `#[serde(flatten)]`, `#[serde(skip_serializing_if = "…")]`,
/// `serde_json::Value`. Its payloads are larger and take longer to read; prefer bincode for all other
/// types.
///
/// A value that JSON would give back as another one is refused, where `serde_json` alone writes
/// `null`: a number that is not finite, and `Some` of what is itself nothing, such as `Some(None)` or
/// `Some(())`. So is a map whose keys are no texts, numbers or unit variants, and what is nested more
/// than 127 arrays and objects deep. Bytes are arrays of numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Codec for Json {
    fn id(&self) -> CodecId {
        CodecId::JSON
    }

    fn self_describing(&self) -> bool {
        true
    }

    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
        let why = Cell::new("its `Serialize` failed, or a map has keys that are no text");
        let nesting = Nesting { left: MAX_NESTING, why: &why };
        let mut writer = serde_json::Serializer::with_formatter(out, nesting);
        // Without the cause: its text may show the value.
        value.serialize(Strict::new(&mut writer, &why)).map_err(|_| {
            Error::new(
                ErrorKind::Unsupported,
                format!("JSON cannot hold this value: {}", why.get()),
            )
        })
    }

    fn decode(&self, bytes: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let visited = visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut reader));
        if visited.is_err() || reader.end().is_err() {
            return Err(Error::new(ErrorKind::Corrupt, "not the JSON of such a value"));
        }
        Ok(())
    }
}

/// Writes compact JSON, and refuses what is nested too deep to be read.
struct Nesting<'a> {
    left: usize,
    why: &'a Cell<&'static str>,
}

impl Nesting<'_> {
    fn enter(&mut self) -> io::Result<()> {
        let left = self.left.checked_sub(1).ok_or_else(|| {
            self.why.set("it is nested more than 127 arrays and objects deep");
            io::Error::other("nested too deep")
        });
        left.map(|left| self.left = left)
    }
}

impl Formatter for Nesting<'_> {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.enter()?;
        out.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.left += 1;
        out.write_all(b"]")
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.enter()?;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.left += 1;
        out.write_all(b"}")
    }
}
