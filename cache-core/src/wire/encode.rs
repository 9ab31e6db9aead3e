//! From header and payload to stored bytes.

use std::time::Duration;

use bytes::Bytes;

use super::{
    FLAG_COMPRESSED, FLAG_TAGS, GROUP_LEN, HEADER_LEN, Header, SUMMED_LEN, checksum, tags,
};
use crate::{Error, ErrorKind, Result};

/// Writes an envelope.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if a time does not fit its field (34 years for `fresh` and `stale`),
/// or if there are more than [`Header::MAX_GROUPS`] groups, a tag of more than 255 bytes, or 4 GiB
/// of payload.
pub fn encode(header: &Header, payload: &[u8]) -> Result<Bytes> {
    let payload_len = tags::len(&header.tags) + payload.len();
    let len = HEADER_LEN + header.groups.len() * GROUP_LEN + payload_len;
    let mut out = Vec::with_capacity(len);
    put_header(&mut out, header, payload_len)?;
    out.extend([0; HEADER_LEN - SUMMED_LEN]);
    for (id, generation) in &header.groups {
        out.extend(id.to_le_bytes());
        out.extend(generation.to_le_bytes());
    }
    tags::put(&mut out, &header.tags)?;
    out.extend_from_slice(payload);
    let sum = checksum(&out[..SUMMED_LEN], &out[HEADER_LEN..]);
    out[SUMMED_LEN..HEADER_LEN].copy_from_slice(&sum);
    Ok(out.into())
}

fn put_header(out: &mut Vec<u8>, header: &Header, payload: usize) -> Result<()> {
    /// The longest cost that fits three bytes of microseconds.
    const MAX_COST: Duration = Duration::from_micros((1 << 24) - 1);
    out.extend_from_slice(header.stamp().as_bytes());
    put::<1>(out, "codec", header.codec.into())?;
    put::<1>(out, "flags", flags(header).into())?;
    put::<1>(out, "number of groups", header.groups.len() as u128)?;
    put::<8>(out, "fingerprint", header.fingerprint.into())?;
    put::<6>(out, "creation time", header.created.into())?;
    put::<5>(out, "fresh time", header.fresh.as_millis())?;
    put::<5>(out, "stale time", header.stale.as_millis())?;
    put::<3>(out, "load cost", header.cost.min(MAX_COST).as_micros())?;
    put::<8>(out, "key", header.key.into())?;
    put::<4>(out, "payload length", payload as u128)
}

fn flags(header: &Header) -> u8 {
    let compressed = if header.compressed { FLAG_COMPRESSED } else { 0 };
    let tags = if header.tags.is_empty() { 0 } else { FLAG_TAGS };
    compressed | tags
}

/// Appends the low `N` bytes of `value`, the others must be zero.
fn put<const N: usize>(out: &mut Vec<u8>, what: &str, value: u128) -> Result<()> {
    let bytes = value.to_le_bytes();
    let (low, high) = bytes.split_at(N);
    if high.iter().any(|byte| *byte != 0) {
        let text = format!("the {what} of an entry does not fit {N} bytes: {value}");
        return Err(Error::new(ErrorKind::InvalidInput, text));
    }
    out.extend_from_slice(low);
    Ok(())
}
