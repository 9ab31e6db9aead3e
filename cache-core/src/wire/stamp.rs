//! What compare-and-set compares: the first bytes of a stored value.

use std::fmt;

use bytes::Bytes;

use super::WIRE_VERSION;

/// The first bytes of a stored value, which name the write that made it.
///
/// Everything we store under an entry's key begins with a stamp of [`Stamp::LEN`] bytes: a mark, the
/// wire version, and 128 random bits. A write that replaces "what I saw" names it by its stamp.
///
/// A value of another program has a stamp too, its first bytes, so that it can be replaced; two such
/// values that begin alike cannot be told apart.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Stamp {
    len: u8,
    bytes: [u8; Self::LEN],
}

impl Stamp {
    /// The length of the stamps we write, and the longest there is.
    pub const LEN: usize = 18;

    /// Returns the stamp of a stored value: its first [`Stamp::LEN`] bytes, or all if it is shorter.
    pub fn of(stored: &[u8]) -> Self {
        let len = stored.len().min(Self::LEN);
        let mut bytes = [0; Self::LEN];
        bytes[..len].copy_from_slice(&stored[..len]);
        Self { len: len as u8, bytes }
    }

    /// Creates the stamp of an entry with this version.
    pub fn entry(version: u128) -> Self {
        Self::new(Mark::ENTRY, version)
    }

    /// Creates the stamp of the lease with this token.
    pub fn lease(token: u128) -> Self {
        Self::new(Mark::LEASE, token)
    }

    /// Creates the stamp of a tombstone.
    pub fn tombstone(id: u128) -> Self {
        Self::new(Mark::TOMBSTONE, id)
    }

    /// Returns what is stored while this lease is held: its stamp and nothing else.
    pub fn lease_bytes(token: u128) -> Bytes {
        Bytes::copy_from_slice(Self::lease(token).as_bytes())
    }

    /// Returns the bytes a stored value must begin with.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn new(mark: u8, id: u128) -> Self {
        let mut bytes = [0; Self::LEN];
        bytes[0] = mark;
        bytes[1] = WIRE_VERSION;
        bytes[2..].copy_from_slice(&id.to_le_bytes());
        Self { len: Self::LEN as u8, bytes }
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stamp(")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// What a stored value is, by its first bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Mark {
    /// An envelope, to be read with [`decode`](fn@super::decode), which may still find a [`Flaw`](super::Flaw).
    Entry,
    /// Nothing of ours, or nothing this version knows.
    Foreign,
    /// A placeholder: some instance is loading this key.
    Lease,
    /// A placeholder: this key must not be filled for now.
    Tombstone,
}

impl Mark {
    pub(super) const ENTRY: u8 = 0xCA;
    const LEASE: u8 = 0xCB;
    const TOMBSTONE: u8 = 0xCC;

    /// Returns what a stored value is.
    pub fn of(stored: &[u8]) -> Self {
        let placeholder = stored.len() == Stamp::LEN && stored.get(1) == Some(&WIRE_VERSION);
        match stored.first() {
            Some(&Self::ENTRY) => Self::Entry,
            Some(&Self::LEASE) if placeholder => Self::Lease,
            Some(&Self::TOMBSTONE) if placeholder => Self::Tombstone,
            _ => Self::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_its_stamp_and_nothing_else() {
        let stored = Stamp::lease_bytes(0x0102);

        assert_eq!(stored[..4], [0xCB, 1, 0x02, 0x01]);
        assert_eq!(Stamp::of(&stored), Stamp::lease(0x0102));
        assert_eq!(Mark::of(&stored), Mark::Lease);
        assert_eq!(Mark::of(&stored[..17]), Mark::Foreign);
        assert_eq!(Mark::of(&[&stored[..], &[0]].concat()), Mark::Foreign);
    }

    #[test]
    fn a_lease_of_another_wire_version_is_foreign() {
        let mut stored = Stamp::lease_bytes(7).to_vec();
        stored[1] = 2;

        assert_eq!(Mark::of(&stored), Mark::Foreign);
    }

    #[test]
    fn a_tombstone_is_its_stamp_and_nothing_else() {
        let stored = Stamp::tombstone(7);

        assert_eq!(stored.as_bytes()[..2], [0xCC, 1]);
        assert_eq!(Mark::of(stored.as_bytes()), Mark::Tombstone);
        assert_eq!(Mark::of(&[stored.as_bytes(), &[0]].concat()), Mark::Foreign);
    }

    #[test]
    fn a_short_value_is_its_own_stamp() {
        assert_eq!(Stamp::of(b"").as_bytes(), b"");
        assert_eq!(Stamp::of(b"hello").as_bytes(), b"hello");
        assert_ne!(Stamp::of(b"a"), Stamp::of(b"a\0"));
        assert_eq!(Mark::of(b""), Mark::Foreign);
        assert_eq!(Mark::of(b"hello"), Mark::Foreign);
    }

    #[test]
    fn leases_and_entries_of_one_number_differ() {
        assert_ne!(Stamp::lease(7), Stamp::entry(7));
        assert_eq!(format!("{:?}", Stamp::of(&[0xCA, 1, 255])), "Stamp(ca01ff)");
    }
}
