//! The two places where a copy can live.

pub(crate) mod breaker;
pub(crate) mod near;
pub(crate) mod remote;
pub(crate) mod ticket;
