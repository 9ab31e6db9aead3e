//! Why stored bytes were not used.

use std::fmt;

/// Why stored bytes are a miss.
///
/// Each has its own counter: a few [`Schema`](Flaw::Schema) are a deployment, a few
/// [`Checksum`](Flaw::Checksum) are a broken machine.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Flaw {
    /// The bytes were changed after they were written: the checksum or the length disagrees.
    Checksum,
    /// Another codec wrote the payload.
    Codec,
    /// Another program wrote the value.
    Foreign,
    /// The entry belongs to another key.
    Key,
    /// The codec could not decode the payload.
    Payload,
    /// The value had another shape when it was written.
    Schema,
    /// The payload is over the size limit.
    TooLarge,
    /// The value ends too early.
    Truncated,
    /// A newer version of this library wrote the entry.
    Version,
}

impl Flaw {
    /// Every flaw, in the order of [`Ord`].
    pub const ALL: [Self; 9] = [
        Self::Checksum,
        Self::Codec,
        Self::Foreign,
        Self::Key,
        Self::Payload,
        Self::Schema,
        Self::TooLarge,
        Self::Truncated,
        Self::Version,
    ];

    /// Returns the name of the flaw, as counters show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checksum => "checksum",
            Self::Codec => "codec",
            Self::Foreign => "foreign",
            Self::Key => "key",
            Self::Payload => "payload",
            Self::Schema => "schema",
            Self::TooLarge => "too_large",
            Self::Truncated => "truncated",
            Self::Version => "version",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_flaw_once_and_in_order() {
        assert!(Flaw::ALL.is_sorted_by(|a, b| a < b && a.as_str() < b.as_str()));
        assert_eq!(Flaw::ALL.last().map(|flaw| *flaw as usize), Some(Flaw::ALL.len() - 1));
    }
}
