//! What the examples of `cache-aside` share. Each example is a folder beside this file.

pub mod clock;
pub mod figures;
pub mod page;
pub mod server;
pub mod svg;
pub mod visits;
