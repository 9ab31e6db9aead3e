//! Tests of `cache-aside` through its facade.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod bad_input;
mod batches;
mod bytes;
mod common;
mod flights;
mod groups;
mod guards;
mod hearing;
mod hits;
mod invalidation;
mod isolation;
mod macros;
mod oracle;
mod outage;
mod processes;
mod redis;
mod settings;
mod shapes;
mod tags;
mod tiers;
mod writes;
