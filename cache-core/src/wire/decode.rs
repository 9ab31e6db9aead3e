//! From stored bytes to header and payload.

use std::cmp::Ordering;
use std::time::Duration;

use super::{
    FLAG_COMPRESSED, FLAG_TAGS, Flaw, GROUP_LEN, HEADER_LEN, Header, Mark, SUMMED_LEN, Stamp,
    WIRE_VERSION, checksum, tags,
};

/// Reads an envelope of which nothing is trusted.
///
/// Nothing is allocated before the checksum is verified. That shows that the bytes are as they were
/// written; [`Header::check`] then tells whether they are what the reader wants.
///
/// # Errors
///
/// The [`Flaw`] that makes the bytes a miss; never [`Flaw::Codec`], [`Flaw::Key`], [`Flaw::Payload`]
/// or [`Flaw::Schema`].
pub fn decode(stored: &[u8], max_payload: usize) -> Result<(Header, &[u8]), Flaw> {
    check_version(stored)?;
    let (head, tail) = stored.split_at_checked(HEADER_LEN).ok_or(Flaw::Truncated)?;
    let (summed, sum) = head.split_at(SUMMED_LEN);
    let fixed = Fixed::read(summed)?;
    fixed.check_length(tail.len(), max_payload)?;
    if checksum(summed, tail) != *sum {
        return Err(Flaw::Checksum);
    }
    let (groups, rest) = tail.split_at_checked(fixed.groups).ok_or(Flaw::Truncated)?;
    fixed.header(groups, rest)
}

fn check_version(stored: &[u8]) -> Result<(), Flaw> {
    if Mark::of(stored) != Mark::Entry {
        return Err(Flaw::Foreign);
    }
    match stored.get(1) {
        None => Err(Flaw::Truncated),
        Some(&WIRE_VERSION) => Ok(()),
        Some(_) => Err(Flaw::Version),
    }
}

/// The fixed part of an envelope, read but not yet believed.
struct Fixed {
    header: Header,
    flags: u64,
    /// The length of all groups, in bytes.
    groups: usize,
    payload: u64,
}

impl Fixed {
    fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        let mut fields = Fields(bytes);
        fields.take::<{ Stamp::LEN - 16 }>()?;
        let version = u128::from_le_bytes(fields.take()?);
        let [codec] = fields.take()?;
        let flags = fields.uint::<1>()?;
        let [groups] = fields.take()?;
        let header = Header {
            codec,
            version,
            fingerprint: fields.uint::<8>()?,
            created: fields.uint::<6>()?,
            fresh: Duration::from_millis(fields.uint::<5>()?),
            stale: Duration::from_millis(fields.uint::<5>()?),
            cost: Duration::from_micros(fields.uint::<3>()?),
            key: fields.uint::<8>()?,
            ..Header::default()
        };
        let payload = fields.uint::<4>()?;
        Ok(Self { header, flags, groups: usize::from(groups) * GROUP_LEN, payload })
    }

    /// Compares the lengths that the header claims with what is there, before any of it is read.
    fn check_length(&self, tail: usize, max_payload: usize) -> Result<(), Flaw> {
        let claimed = self.payload + self.groups as u64;
        match claimed.cmp(&(tail as u64)) {
            Ordering::Greater => Err(Flaw::Truncated),
            Ordering::Less => Err(Flaw::Checksum),
            Ordering::Equal if self.payload > self.limit(max_payload) => Err(Flaw::TooLarge),
            Ordering::Equal => Ok(()),
        }
    }

    /// The names of tags count apart from the value.
    fn limit(&self, max_payload: usize) -> u64 {
        let names = if self.has(FLAG_TAGS) { tags::MAX_LEN as u64 } else { 0 };
        (max_payload as u64).saturating_add(names)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & u64::from(flag) != 0
    }

    fn header<'a>(self, groups: &[u8], rest: &'a [u8]) -> Result<(Header, &'a [u8]), Flaw> {
        if self.flags & !u64::from(FLAG_COMPRESSED | FLAG_TAGS) != 0 {
            return Err(Flaw::Version);
        }
        let groups: Vec<_> = groups.chunks_exact(GROUP_LEN).map(group).collect::<Result<_, _>>()?;
        let (names, payload) =
            if self.has(FLAG_TAGS) { tags::take(rest)? } else { (Vec::new(), rest) };
        let tags = names.into_iter().map(Box::from).collect();
        let compressed = self.has(FLAG_COMPRESSED);
        Ok((Header { compressed, groups, tags, ..self.header }, payload))
    }
}

fn group(bytes: &[u8]) -> Result<(u64, u64), Flaw> {
    let mut fields = Fields(bytes);
    Ok((fields.uint::<8>()?, fields.uint::<8>()?))
}

/// Takes fixed-size fields from the front of a slice.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Flaw::Truncated)?;
        self.0 = rest;
        Ok(*field)
    }

    /// Reads a little-endian number of `N` bytes, at most eight.
    fn uint<const N: usize>(&mut self) -> Result<u64, Flaw> {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&self.take::<N>()?);
        Ok(u64::from_le_bytes(bytes))
    }
}
