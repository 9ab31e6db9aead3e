//! The two places where a copy can live.

pub(crate) mod breaker;
pub(crate) mod ears;
pub(crate) mod near;
mod numbers;
pub(crate) mod remote;
pub(crate) mod ticket;
