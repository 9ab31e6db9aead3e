//! From header and payload to stored bytes.

use std::time::Duration;

use bytes::Bytes;

use super::{FLAG_COMPRESSED, GROUP_LEN, HEADER_LEN, Header, SUMMED_LEN, checksum};
use crate::{Error, ErrorKind, Result};

/// Writes an envelope.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if a time does not fit its field (34 years for `fresh` and `stale`),
/// or if there are more than [`Header::MAX_GROUPS`] groups or 4 GiB of payload.
pub fn encode(header: &Header, payload: &[u8]) -> Result<Bytes> {
    let len = HEADER_LEN + header.groups.len() * GROUP_LEN + payload.len();
    let mut out = Vec::with_capacity(len);
    put_header(&mut out, header, payload.len())?;
    out.extend([0; HEADER_LEN - SUMMED_LEN]);
    for (id, generation) in &header.groups {
        out.extend(id.to_le_bytes());
        out.extend(generation.to_le_bytes());
    }
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
    put::<1>(out, "flags", if header.compressed { FLAG_COMPRESSED.into() } else { 0 })?;
    put::<1>(out, "number of groups", header.groups.len() as u128)?;
    put::<8>(out, "fingerprint", header.fingerprint.into())?;
    put::<6>(out, "creation time", header.created.into())?;
    put::<5>(out, "fresh time", header.fresh.as_millis())?;
    put::<5>(out, "stale time", header.stale.as_millis())?;
    put::<3>(out, "load cost", header.cost.min(MAX_COST).as_micros())?;
    put::<8>(out, "key", header.key.into())?;
    put::<4>(out, "payload length", payload as u128)
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
