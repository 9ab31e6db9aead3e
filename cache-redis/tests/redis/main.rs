//! `RedisBackend` against real servers.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod cluster;
mod common;
mod config;
mod conformance;
mod data;
mod fake_sentinel;
mod followers;
mod full;
mod hearing;
mod identity;
mod lifetime;
mod load;
mod log;
mod login;
mod outage;
mod sentinel;
mod socket;
mod tls;
