//! From values to payload bytes and back.

pub mod fingerprint;

mod bincode;
mod guard;
#[cfg(feature = "json")]
mod json;
mod measure;
#[cfg(test)]
mod tests;
mod value;

pub use bincode::{Bincode, MAX_PAYLOAD};
pub use guard::{MAX_DECODED, MAX_DEPTH};
#[cfg(feature = "json")]
pub use json::Json;
pub use measure::{Measure, measure};
pub use value::{check_round_trip, decode_value, encode_value};

use std::any::Any;
use std::fmt::Debug;

use crate::Result;

/// Turns values into bytes and back.
///
/// Use [`encode_value`] and [`decode_value`]; they add the checks that hold for every codec.
///
/// # Contract
///
/// * What `encode` wrote, `decode` of the same codec reads, in every later version of it; what cannot
///   be read any more gets a new [`id`](Codec::id).
/// * `encode` appends to `out`; after an error what it appended is worthless.
/// * `decode` calls `visit` exactly once, hands on its error, and refuses bytes that `visit` left over.
/// * No input makes `decode` panic, or allocate more than in proportion to the input.
/// * A codec that is not [`self_describing`](Codec::self_describing) is not human-readable either.
pub trait Codec: Any + Debug + Send + Sync {
    /// Returns the number that marks this codec's payloads.
    fn id(&self) -> CodecId;

    /// Tells whether payloads name their fields.
    ///
    /// A payload that does not is a row of values without names, so that another type may read it as
    /// something else. Such a codec needs the [`fingerprint`] of each type.
    fn self_describing(&self) -> bool;

    /// Appends the payload of `value` to `out`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if this codec cannot write such a value,
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if the value is.
    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()>;

    /// Reads a payload by handing `visit` a deserializer for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if `visit` fails or leaves bytes over.
    fn decode(&self, bytes: &[u8], visit: &mut Visit<'_>) -> Result<()>;
}

/// Takes a value out of the deserializer that a [`Codec`] provides.
pub type Visit<'a> =
    dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<(), erased_serde::Error> + 'a;

/// The number that marks a codec's payloads.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CodecId(u8);

impl CodecId {
    /// The id of [`Bincode`].
    pub const BINCODE: Self = Self(1);

    /// The id of `Json`, whether this build has it or not.
    pub const JSON: Self = Self(2);

    /// Creates the id of a codec outside this library, one of 128.
    ///
    /// The highest bit is always set: ids below 128 are ours.
    pub const fn custom(id: u8) -> Self {
        Self(id | 0x80)
    }

    /// Returns the id as it is stored.
    pub const fn as_u8(self) -> u8 {
        self.0
    }
}
