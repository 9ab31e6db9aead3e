//! Instances under faults at random for a long time: does anything grow?
//!
//! `cargo run --release -p cache-aside-tests --bin soak -- --seconds 600 --seed 1`
//!
//! Linux only: it reads `/proc`. Needs `redis-server` on the PATH. Not a bench, since it measures no
//! speed, and not a test, since it takes minutes; it fails if anything grows, is wrong or is left.

mod args;
mod faults;
mod instance;
mod reading;
mod report;
mod service;
mod tally;
mod thirds;
mod watch;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use cache_aside_tests::world::Dice;
use cache_test_servers::{Flavour, Proxy, Server};
use tokio::runtime::{Builder, Runtime};

use crate::args::Args;
use crate::service::Service;
use crate::watch::Watch;

/// How many instances there are on each of two runtimes.
const INSTANCES: [usize; 2] = [2, 1];

/// How many callers each instance has.
const CALLERS: usize = 20;

fn main() -> ExitCode {
    let args = match Args::read(env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let server = Arc::new(start_server());
    println!("{} s of faults, seed {}", args.time.as_secs(), args.seed);
    // The faults and the readings are not counted as the service's own.
    let (apart, runtimes) = (runtime(1), INSTANCES.map(runtime));
    let proxy = Arc::new(Proxy::before(&server).expect("a free port"));
    let service = Service::start(proxy.url(), INSTANCES.iter().sum());
    start_callers(&runtimes, &service, args.seed);
    let watch =
        Watch { service, server, runtimes: runtimes.each_ref().map(|it| it.handle().clone()) };

    let end = Instant::now() + args.time;
    let dice = Dice::new(args.seed);
    // The network stays until all instances are closed.
    let faults = faults::happen(Arc::clone(&watch.server), Arc::clone(&proxy), dice, end);
    let faults = apart.spawn(faults);
    let readings = apart.block_on(watch.read_until(end));
    apart.block_on(faults).expect("the server does as it is told");
    let left = apart.block_on(watch.finish());
    report::print(&watch.service.tally, &readings, left)
}

/// Starts the first of the two servers that is installed.
fn start_server() -> Server {
    let started = Server::builder(Flavour::Redis)
        .config("maxmemory", "100mb")
        .config("maxmemory-policy", "allkeys-lru")
        .start();
    started.expect("redis-server is on the PATH")
}

fn runtime(threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(threads).enable_all().build().expect("a runtime")
}

fn start_callers(runtimes: &[Runtime], service: &Arc<Service>, seed: u64) {
    let (mut dice, mut first) = (Dice::new(seed.wrapping_add(1)), 0);
    let mut more_dice = || Dice::new(dice.below(u64::MAX));
    for (runtime, instances) in runtimes.iter().zip(INSTANCES) {
        let slots: Vec<usize> = (first..first + instances).collect();
        first += instances;
        for slot in slots.iter().flat_map(|slot| [*slot; CALLERS]) {
            runtime.spawn(Arc::clone(service).call(slot, more_dice()));
        }
        runtime.spawn(Arc::clone(service).renew(slots, more_dice()));
    }
}
