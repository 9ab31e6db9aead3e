//! How badly a network works.

use std::time::Duration;

/// How badly a network works.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Rule {
    /// Resets each connection after so many bytes of replies, in the middle of one.
    Cut(usize),
    /// Passes replies on late by so much.
    Delay(Duration),
    /// Replaces each reply by as much noise.
    Garble,
    /// Passes on so many bytes a second each way.
    Limit(u32),
    /// Passes everything on.
    #[default]
    Pass,
    /// Takes no connections, and resets those there are.
    Refuse,
    /// Passes nothing on; connections are taken and stay open.
    Stall,
}
