//! Tests of `cache-aside` through its facade.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod bad_input;
mod batches;
mod bulkhead;
mod bytes;
mod closing;
mod cluster;
mod codecs;
mod common;
mod compression;
mod echoes;
mod failover;
mod flights;
mod forgotten;
mod full;
mod groups;
mod guards;
mod hearing;
mod hits;
mod invalidation;
mod isolation;
mod journal;
mod late;
mod limits;
mod macros;
mod moving;
mod observing;
mod oracle;
mod outage;
mod processes;
mod redis;
mod refused;
mod settings;
mod shapes;
mod stale;
mod strangers;
mod tags;
mod tiers;
mod topologies;
mod torn;
mod warming;
mod writes;
