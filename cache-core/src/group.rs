//! Groups: sets of keys that can be invalidated at once.

use std::fmt;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::key::{KeyWriter, local_hash};
use crate::random::random;

/// A set of keys that can be invalidated at once, in O(1): `namespace:!kind[:name]`.
///
/// A backend keeps one [`Generation`] per group; entries carry the generations they were loaded
/// under, so that a new generation ends them all without touching any.
#[derive(Clone)]
pub struct Group {
    text: KeyWriter,
    is_standing: bool,
}

impl Group {
    /// Everything of the namespace. `prefix` is the escaped namespace and its `:`, here and below.
    pub(crate) fn all(prefix: &[u8]) -> Self {
        Self::new(prefix, b"!all", None)
    }

    /// Everything of one entity, by the last name of its path.
    pub(crate) fn entity(prefix: &[u8], name: &[u8]) -> Self {
        Self::new(prefix, b"!entity:", Some(name))
    }

    /// Everything with one tag.
    pub(crate) fn tag(prefix: &[u8], name: &[u8]) -> Self {
        Self { is_standing: false, ..Self::new(prefix, Self::TAG, Some(name)) }
    }

    /// What moves with every tag, before it does. No entry belongs to it: a load whose tags are
    /// known only when it has ended sees by it whether any of them can have moved.
    pub(crate) fn any_tag(prefix: &[u8]) -> Self {
        Self::new(prefix, b"!tag", None)
    }

    /// Everything cached for one tier.
    pub(crate) fn tier(prefix: &[u8], name: &[u8]) -> Self {
        Self::new(prefix, b"!tier:", Some(name))
    }

    /// Everything cached for one user, under every tier and tenant.
    pub(crate) fn user(prefix: &[u8], user: &[u8]) -> Self {
        Self { is_standing: false, ..Self::new(prefix, b"!user:", Some(user)) }
    }

    const TAG: &[u8] = b"!tag:";

    fn new(prefix: &[u8], kind: &[u8], name: Option<&[u8]>) -> Self {
        let mut text = KeyWriter::new();
        text.raw(prefix);
        text.raw(kind);
        text.raw(name.unwrap_or_default());
        Self { text, is_standing: true }
    }

    /// Returns how long a generation made now is kept, where `ttl` would do for a user's.
    ///
    /// Namespaces, entities and tiers are few, and theirs would end a great many entries at once:
    /// they stay for ten years.
    pub fn keep_for(&self, ttl: Duration) -> Duration {
        const STANDING: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
        if self.is_standing { STANDING } else { ttl }
    }

    /// Returns the key under which a backend keeps the group's generation.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    pub(crate) fn is_any_tag(&self) -> bool {
        self.as_bytes().ends_with(b":!tag")
    }

    pub(crate) fn is_tag(&self) -> bool {
        !self.tag_name().is_empty()
    }

    /// Returns the name of a tag, escaped, by which an envelope carries it; nothing for other groups.
    pub(crate) fn tag_name(&self) -> &[u8] {
        let text = self.as_bytes();
        let colon = text.iter().position(|byte| *byte == b':').map_or(0, |colon| colon + 1);
        text.get(colon..).and_then(|kind| kind.strip_prefix(Self::TAG)).unwrap_or_default()
    }

    /// Returns the name by which an envelope knows the group; the same in every process.
    pub fn id(&self) -> u64 {
        xxh3_64(self.as_bytes())
    }

    /// Returns the hash under which this process files the group; other processes have others.
    pub fn local_hash(&self) -> u64 {
        local_hash(self.as_bytes())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group(#{:016x})", self.id())
    }
}

/// The current number of a group. Opaque: only equality means something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Generation {
    number: u64,
    is_held: bool,
}

impl Generation {
    /// What the text of a held generation begins with.
    const HELD: &str = "~";

    /// Returns a number that was never used before, for all practical purposes.
    pub fn fresh() -> Self {
        Self { number: random(), is_held: false }
    }

    /// As [`fresh`](Self::fresh), under which nothing may be kept.
    pub fn held() -> Self {
        Self { number: random(), is_held: true }
    }

    /// Reads a stored generation. Bytes that we did not write are a number too, just another one.
    pub fn from_stored(stored: &[u8]) -> Self {
        let held = stored.strip_prefix(Self::HELD.as_bytes());
        let text = std::str::from_utf8(held.unwrap_or(stored)).ok();
        let text = text.filter(|text| text.len() == 16);
        match text.and_then(|text| u64::from_str_radix(text, 16).ok()) {
            Some(number) => Self { number, is_held: held.is_some() },
            None => Self { number: xxh3_64(stored), is_held: false },
        }
    }

    /// Returns the bytes to store.
    pub fn to_stored(self) -> String {
        let mark = if self.is_held { Self::HELD } else { "" };
        format!("{mark}{:016x}", self.number)
    }

    /// Whether nothing of the group may be kept for now: somebody is about to change its source,
    /// or the source may still show what was before the last change.
    pub fn is_held(self) -> bool {
        self.is_held
    }

    pub(crate) fn number(self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_stored_as_text_and_strangers_are_numbers_too() {
        for generation in [Generation::fresh(), Generation::held()] {
            assert_eq!(Generation::from_stored(generation.to_stored().as_bytes()), generation);
        }
        for junk in [&b""[..], b"~", b"junk", b"~junk", b"\xff\xfe", b"~~0123456789abcdef"] {
            let generation = Generation::from_stored(junk);
            assert!(!generation.is_held());
            assert_eq!(Generation::from_stored(junk), generation);
        }
        assert_ne!(Generation::from_stored(b"junk"), Generation::from_stored(b"junk "));
    }
}
