//! Whole histories of several instances of the product, played on one thread in virtual time.
//!
//! A seed draws a [`History`]: what instances are asked for, and what goes wrong meanwhile. Playing
//! it has the product's own engine answer, over a server and a network that are as bad as Redis and
//! a network can be; every answer is judged. The same seed plays the same history each time.

mod catalogue;
mod clock;
mod dice;
mod history;
mod judge;
mod line;
mod near;
mod net;
mod panics;
mod rules;
mod server;
mod shrink;
mod stage;
mod trace;

pub use history::History;
pub use panics::keep as keep_panics;
pub use stage::Report;
