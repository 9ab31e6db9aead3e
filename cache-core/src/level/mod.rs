//! The levels: where a copy lives.

pub(crate) mod board;
mod breaker;
mod closing;
pub(crate) mod debt;
pub(crate) mod ears;
mod gate;
mod journal;
pub(crate) mod look;
pub(crate) mod near;
pub(crate) mod numbers;
mod phase;
mod recovery;
mod releases;
pub(crate) mod remote;
mod standing;
pub(crate) mod ticket;
