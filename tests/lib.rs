//! What the tests of `cache-aside` share with the processes that they start.

pub mod world;
