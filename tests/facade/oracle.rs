//! P2, P3 and P8 under random use: several instances, one Redis, and a judge of every answer.
//!
//! `CACHE_ASIDE_SEED` reruns a seed, `CACHE_ASIDE_OPERATIONS` sets how many operations there are.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use cache_aside_tests::world::{ROWS, Truth, World};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::on_every_server;

const INSTANCES: usize = 3;
/// How often all is quiet, and every instance must come to the truth.
const ROUNDS: u64 = 20;

on_every_server! {
    no_answer_is_older_than_an_invalidation_that_has_returned
}

async fn no_answer_is_older_than_an_invalidation_that_has_returned(server: Server) {
    let seed = number("CACHE_ASIDE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("CACHE_ASIDE_SEED={seed}");
    let world = Arc::new(World::new(&server.url(), Truth::here(ROWS), INSTANCES));
    let operations = number("CACHE_ASIDE_OPERATIONS").unwrap_or(100_000);
    for round in 0..ROUNDS {
        world.play(seed.wrapping_add(round << 32), operations / ROUNDS).await;
        world.settle().await;
    }
    println!("{} near hits", world.near_hits());
    assert!(world.near_hits() > 0, "nothing was ever near");
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
