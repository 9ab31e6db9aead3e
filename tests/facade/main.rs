//! Tests of `cache-aside` through its facade.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod advice;
mod bad_input;
mod batches;
mod bulkhead;
mod bytes;
mod closing;
mod cluster;
mod common;
mod deployments;
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
mod layers;
mod limits;
mod macros;
mod moving;
mod nones;
mod oracle;
mod outage;
mod processes;
mod redis;
mod refused;
mod settings;
mod shapes;
mod stale;
mod strangers;
mod table;
mod tags;
mod tiers;
mod topologies;
mod torn;
mod writes;
