//! What the tests of `cache-aside` share with the programs beside them.

pub mod faults;
pub mod world;
