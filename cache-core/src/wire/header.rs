//! What an envelope says about its payload.

use std::time::Duration;

use super::{Flaw, Stamp};

/// What an envelope says about its payload.
///
/// Times are stored in whole milliseconds and the cost in whole microseconds; what is finer is cut.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Header {
    /// The [`CodecId`](crate::codec::CodecId) of the payload.
    pub codec: u8,
    /// Whether the payload is compressed.
    pub compressed: bool,
    /// The fingerprint of the value's type.
    pub fingerprint: u64,
    /// When the value was loaded, in milliseconds since the Unix epoch.
    pub created: u64,
    /// How long after `created` the value is fresh.
    pub fresh: Duration,
    /// How long after `created` the value may be served at all.
    pub stale: Duration,
    /// How long the load took; what is over 16.7 seconds is stored as 16.7 seconds.
    pub cost: Duration,
    /// The random number of this write.
    pub version: u128,
    /// The hash of the key, so that an entry is never taken for another key's.
    pub key: u64,
    /// The groups of the entry: id and generation at the time of the load.
    pub groups: Vec<(u64, u64)>,
    /// The names of the last of the groups, its tags: those cannot be told from the key.
    pub tags: Vec<Box<[u8]>>,
}

impl Header {
    /// The most groups an entry can have.
    pub const MAX_GROUPS: usize = u8::MAX as usize;

    /// Returns the stamp of the entry with this header.
    pub fn stamp(&self) -> Stamp {
        Stamp::entry(self.version)
    }

    /// Checks that the entry was written for this key, by this codec, for this type.
    ///
    /// # Errors
    ///
    /// The first that differs, in this order: [`Flaw::Key`], [`Flaw::Codec`], [`Flaw::Schema`].
    pub fn check(&self, key: u64, codec: u8, fingerprint: u64) -> Result<(), Flaw> {
        if self.key != key {
            return Err(Flaw::Key);
        }
        if self.codec != codec {
            return Err(Flaw::Codec);
        }
        if self.fingerprint != fingerprint {
            return Err(Flaw::Schema);
        }
        Ok(())
    }
}
