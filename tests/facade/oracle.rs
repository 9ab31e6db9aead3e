//! P2, P3 and P8 under random use: several instances, one Redis, and a judge of every answer.
//!
//! `CACHE_ASIDE_SEED` reruns a seed, `CACHE_ASIDE_OPERATIONS` sets how many operations there are.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use cache_aside_tests::world::{Dice, ROWS, Truth, World};
use cache_test_servers::{Flavour, Server, server_or_return};
use futures_util::future::join_all;

use crate::common::on_every_server;

const INSTANCES: usize = 3;
const TASKS: u64 = 8;

on_every_server! {
    no_answer_is_older_than_an_invalidation_that_has_returned
}

async fn no_answer_is_older_than_an_invalidation_that_has_returned(server: Server) {
    let seed = number("CACHE_ASIDE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("CACHE_ASIDE_SEED={seed}");
    let world = Arc::new(World::new(&server.url(), Truth::here(ROWS), INSTANCES));
    let operations = number("CACHE_ASIDE_OPERATIONS").unwrap_or(100_000);
    let tasks = (0..TASKS).map(|task| {
        let (world, mut dice) = (Arc::clone(&world), Dice::new(seed ^ (task + 1)));
        tokio::spawn(async move {
            for _ in 0..operations / TASKS {
                world.step(&mut dice).await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    world.tell_the_rest().await;
    world.settle().await;
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
