//! Keys in moka's tables: hashed once, looked up without allocating.

use std::hash::{BuildHasher, Hash, Hasher};

use cache_core::{Group, Key};
use equivalent::Equivalent;

/// The text of a key or a group, and its hash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name {
    hash: u64,
    text: Box<[u8]>,
}

/// As [`Name`], borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameRef<'a> {
    hash: u64,
    text: &'a [u8],
}

impl<'a> NameRef<'a> {
    pub(crate) fn bytes(key: &'a [u8]) -> Self {
        Self { hash: Key::local_hash_of(key), text: key }
    }

    pub(crate) fn group(group: &'a Group) -> Self {
        Self { hash: group.local_hash(), text: group.as_bytes() }
    }

    pub(crate) fn key(key: &'a Key) -> Self {
        Self { hash: key.local_hash(), text: key.as_bytes() }
    }

    pub(crate) fn to_name(self) -> Name {
        Name { hash: self.hash, text: self.text.into() }
    }
}

impl Name {
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Hash for NameRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Equivalent<Name> for NameRef<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        *self.text == *name.text
    }
}

/// Passes the hash on that the key already has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeptHash(u64);

impl BuildHasher for KeptHash {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for KeptHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
