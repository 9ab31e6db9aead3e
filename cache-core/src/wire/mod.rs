//! How an entry looks in a shared store; the only place that knows an offset.
//!
//! The bytes are described one by one in `docs/wire-format.md`.

pub(crate) mod compressed;
mod decode;
mod encode;
mod flaw;
mod header;
mod stamp;
mod tags;
#[cfg(test)]
mod tests;

pub(crate) use compressed::{COMPRESSES, compress, decompress};
pub use decode::decode;
pub use encode::encode;
pub use flaw::Flaw;
pub use header::Header;
pub use stamp::{Mark, Stamp};
pub(crate) use tags::tag_names;

use xxhash_rust::xxh3::Xxh3;

/// The version of the format this library writes, and the newest it reads.
pub const WIRE_VERSION: u8 = 1;

/// The length of an envelope without groups and payload.
const HEADER_LEN: usize = 64;

/// The header without its checksum.
const SUMMED_LEN: usize = HEADER_LEN - 4;

/// The length of one group: its id and its generation.
const GROUP_LEN: usize = 16;

/// Where the flags are.
const FLAGS: usize = 19;

/// The flag of a compressed payload.
const FLAG_COMPRESSED: u8 = 1;

/// The flag of a payload that stands behind the names of tags.
const FLAG_TAGS: u8 = 2;

/// Sums up everything in an envelope but the checksum itself.
fn checksum(head: &[u8], tail: &[u8]) -> [u8; 4] {
    let mut hash = Xxh3::new();
    hash.update(head);
    hash.update(tail);
    let [a, b, c, d, ..] = hash.digest().to_le_bytes();
    [a, b, c, d]
}
