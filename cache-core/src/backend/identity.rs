//! Who a store is.

use std::fmt;

use crate::policy::Advice;

/// Who a store is: its name, and the turn in which it took over.
///
/// A server that restarts is another, as it may come back with an old snapshot; so is a replica that
/// took over, as it may lag behind, and whatever else answers under the same address. Each time a
/// store is found to be another than the one before, a new turn begins, and everything from the
/// turns before has ended. The store keeps the name and the turn, so that instances agree.
#[derive(Clone)]
pub struct Identity {
    name: Box<str>,
    turn: u64,
    /// No part of who it is.
    advice: Vec<Advice>,
}

impl Identity {
    /// The most turns there are: what a script of Redis can still count exactly.
    pub const MAX_TURN: u64 = 1 << 53;

    /// The most advice that is kept.
    pub const MAX_ADVICE: usize = 8;

    /// The longest name, in bytes: far above what a server calls itself.
    pub const MAX_NAME: usize = 256;

    /// Creates an identity. An empty name is that of a store which cannot say who it is; one that is
    /// longer than [`MAX_NAME`](Self::MAX_NAME) says no more.
    pub fn new(name: impl Into<Box<str>>, turn: u64) -> Self {
        let name = Some(name.into()).filter(|name| name.len() <= Self::MAX_NAME);
        Self { name: name.unwrap_or_default(), turn: turn.min(Self::MAX_TURN), advice: Vec::new() }
    }

    /// Returns a copy that says what the store's own settings lead to, in a few sentences: those
    /// beyond [`MAX_ADVICE`](Self::MAX_ADVICE) are left out. Identities that differ in that only are
    /// equal, and it is not stored.
    #[must_use]
    pub fn with_advice(mut self, advice: impl IntoIterator<Item = Advice>) -> Self {
        self.advice = advice.into_iter().take(Self::MAX_ADVICE).collect();
        self
    }

    /// Returns what the store's own settings lead to.
    pub fn advice(&self) -> &[Advice] {
        &self.advice
    }

    /// Reads a stored identity; `None` if we did not write it. None of ours has a longer name than
    /// [`MAX_NAME`](Self::MAX_NAME).
    pub fn from_stored(stored: &[u8]) -> Option<Self> {
        let (turn, name) = std::str::from_utf8(stored).ok()?.split_once(' ')?;
        let turn = turn.parse().ok().filter(|turn| *turn <= Self::MAX_TURN)?;
        (name.len() <= Self::MAX_NAME).then(|| Self::new(name, turn))
    }

    /// Returns the bytes to store.
    pub fn to_stored(&self) -> String {
        format!("{} {}", self.turn, self.name)
    }

    /// Returns the name that the store has for itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the turn, counted from the first.
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// Whether the store that has this identity stored, and calls itself `name`, can be trusted by
    /// who has last seen the identity `seen`.
    ///
    /// That is so if the stored name is its own, and no turn has begun since `seen` that it does
    /// not know of: a server that comes back after another has stood in for it has the turn of
    /// before. One that cannot say who it is can only be trusted by who has seen none.
    pub fn succeeds(&self, seen: Option<&Self>, name: &str) -> bool {
        *self.name == *name
            && seen.is_none_or(|seen| !name.is_empty() && (self.turn > seen.turn || self == seen))
    }

    /// Returns the identity of a store that begins a new turn, after all that are known.
    #[must_use]
    pub fn successor(stored: Option<&Self>, seen: Option<&Self>, name: &str) -> Self {
        let turn = stored.into_iter().chain(seen).map(Self::turn).max().unwrap_or_default();
        Self::new(name, turn.saturating_add(1))
    }
}

impl Eq for Identity {}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.turn == other.turn
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, turn {})", self.name, self.turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, turn: u64) -> Identity {
        Identity::new(name, turn)
    }

    #[test]
    fn a_store_is_trusted_if_it_knows_of_every_turn() {
        let stored = of("a", 5);
        for (seen, name, trusted) in [
            (None, "a", true),
            (None, "b", false), // restored from a copy of another, or promoted
            (Some(of("a", 5)), "a", true),
            (Some(of("a", 4)), "a", true), // another instance was here since
            (Some(of("z", 4)), "a", true),
            (Some(of("b", 5)), "a", false), // two servers took the same turn
            (Some(of("b", 6)), "a", false), // another has stood in for it
            (Some(of("a", 6)), "a", false), // it has forgotten
            (Some(of("a", 5)), "b", false),
        ] {
            assert_eq!(stored.succeeds(seen.as_ref(), name), trusted, "{seen:?} {name}");
        }
    }

    #[test]
    fn a_store_without_a_name_is_never_the_same() {
        assert!(!of("", 5).succeeds(Some(&of("", 5)), ""));
        assert!(!of("", 5).succeeds(Some(&of("", 4)), ""));
        assert!(of("", 5).succeeds(None, ""));
    }

    #[test]
    fn a_new_turn_is_after_all_that_are_known() {
        let next = |stored: Option<&Identity>, seen: Option<&Identity>| {
            Identity::successor(stored, seen, "n").turn()
        };
        assert_eq!(next(None, None), 1);
        assert_eq!(next(Some(&of("a", 5)), Some(&of("b", 7))), 8);
        assert_eq!(next(Some(&of("a", Identity::MAX_TURN)), None), Identity::MAX_TURN);
    }

    #[test]
    fn a_name_without_end_is_nobodys() {
        let (longest, longer) =
            ("x".repeat(Identity::MAX_NAME), "x".repeat(Identity::MAX_NAME + 1));
        let stored = |name: &str| Identity::from_stored(format!("7 {name}").as_bytes());

        assert_eq!(stored(&longest), Some(of(&longest, 7)));
        assert_eq!(stored(&longer), None);
        assert_eq!(of(&longer, 7).name(), "");
        assert!(!of(&longer, 7).succeeds(None, &longer));
    }

    #[test]
    fn identities_are_stored_as_text() {
        let identity = of("0a 1b", 7);
        assert_eq!(Identity::from_stored(identity.to_stored().as_bytes()), Some(identity));
        for junk in [&b""[..], b"7", b"x y", b"-1 a", b"99999999999999999 a", b"\xff 1"] {
            assert_eq!(Identity::from_stored(junk), None);
        }
    }
}
