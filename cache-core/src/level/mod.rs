//! The levels: where a copy lives.

mod breaker;
pub(crate) mod ears;
mod gate;
pub(crate) mod look;
pub(crate) mod near;
pub(crate) mod numbers;
pub(crate) mod remote;
pub(crate) mod ticket;
