//! The compressed form of a payload: the algorithm, how long the payload was, and the block.

use super::Flaw;

/// The algorithm of an LZ4 block.
const LZ4: u8 = 1;

/// What stands before the block: the algorithm and the length.
const PREFIX_LEN: usize = 5;

/// The most bytes that one byte of an LZ4 block can stand for.
const MAX_RATIO: usize = 255;

/// Whether this build can compress, and read what is compressed.
pub(crate) const COMPRESSES: bool = cfg!(feature = "lz4");

/// Compresses a payload; `None` where that would not make it smaller, or this build cannot.
pub(crate) fn compress(payload: &[u8]) -> Option<Vec<u8>> {
    form(payload).filter(|stored| stored.len() < payload.len())
}

/// Returns the payload behind its compressed form.
///
/// Allocates the length that the form claims, and nothing else.
///
/// # Errors
///
/// [`Flaw::Version`] if this build cannot, or not by this algorithm; [`Flaw::TooLarge`] if the payload
/// is over the limit; [`Flaw::Payload`] if the bytes are no such form, or of another length.
pub(crate) fn decompress(stored: &[u8], max_payload: usize) -> Result<Vec<u8>, Flaw> {
    if !COMPRESSES {
        return Err(Flaw::Version);
    }
    let (block, len) = claim(stored, max_payload)?;
    unpack(block, len).ok_or(Flaw::Payload)
}

/// Returns the block, and the length that it is said to stand for, once that is within the limit and
/// no more than the block can stand for.
fn claim(stored: &[u8], max_payload: usize) -> Result<(&[u8], usize), Flaw> {
    let (prefix, block) = stored.split_first_chunk::<PREFIX_LEN>().ok_or(Flaw::Payload)?;
    let [algorithm, len @ ..] = *prefix;
    if algorithm != LZ4 {
        return Err(Flaw::Version);
    }
    let len = usize::try_from(u32::from_le_bytes(len)).map_err(|_| Flaw::TooLarge)?;
    if len > max_payload {
        return Err(Flaw::TooLarge);
    }
    if len > block.len().saturating_mul(MAX_RATIO) {
        return Err(Flaw::Payload);
    }
    Ok((block, len))
}

/// Returns the compressed form of a payload, however long.
#[cfg(feature = "lz4")]
pub(crate) fn form(payload: &[u8]) -> Option<Vec<u8>> {
    let len = u32::try_from(payload.len()).ok()?;
    let most = lz4_flex::block::get_maximum_output_size(payload.len());
    let mut stored = vec![0; PREFIX_LEN + most];
    let block = lz4_flex::block::compress_into(payload, &mut stored[PREFIX_LEN..]).ok()?;
    stored.truncate(PREFIX_LEN + block);
    stored[0] = LZ4;
    stored[1..PREFIX_LEN].copy_from_slice(&len.to_le_bytes());
    Some(stored)
}

#[cfg(not(feature = "lz4"))]
pub(crate) fn form(_: &[u8]) -> Option<Vec<u8>> {
    None
}

/// Reads a block that stands for exactly `len` bytes.
#[cfg(feature = "lz4")]
fn unpack(block: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut payload = vec![0; len];
    let read = lz4_flex::block::decompress_into(block, &mut payload).ok()?;
    (read == len).then_some(payload)
}

#[cfg(not(feature = "lz4"))]
fn unpack(_: &[u8], _: usize) -> Option<Vec<u8>> {
    None
}

#[cfg(all(test, not(feature = "lz4")))]
#[test]
fn what_this_build_cannot_decompress_is_a_miss() {
    assert_eq!(compress(&[0; 1000]), None);
    assert_eq!(decompress(&[LZ4, 1, 0, 0, 0, 0x10, 7], 1000), Err(Flaw::Version));
}

#[cfg(all(test, feature = "lz4"))]
mod tests;
