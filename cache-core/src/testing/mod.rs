//! For tests, of this library and of yours (feature `test-util`).
//!
//! * [`conformance!`](crate::conformance) proves that a backend keeps the contract of
//!   [`Backend`](crate::Backend).
//! * [`ManualClock`] moves when it is told to.
//! * [`Recorder`] notes what a cache asks of its backend; [`Faulty`] breaks on demand.
//! * [`Seed`] makes the chance of one thread repeat.

mod clock;
pub mod conformance;
mod faulty;
mod recorder;

pub use clock::ManualClock;
pub use faulty::{Fault, Faulty};
pub use recorder::{Operation, Recorder};

use crate::key::{Key, KeyWriter};
pub use crate::random::Seed;

/// Starts a key without a cache, for tests of backends.
pub fn key(namespace: &str, entity: &str) -> Key {
    let mut prefix = KeyWriter::new();
    prefix.name(namespace);
    prefix.mark(b':');
    Key::new(prefix.as_bytes(), |text| text.name(entity))
}
