//! Faults at random, one after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_aside_tests::world::Dice;
use cache_test_servers::{Proxy, Rule, Server};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// What can be wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Connections end.
    Cut,
    /// Replies are late.
    Delay,
    /// The server is killed, and started again with what it had saved.
    Kill,
    /// The network passes nothing on.
    Stall,
    /// The server is frozen for a time.
    Stop,
    /// Connections are not taken.
    Refuse,
    /// The server saves what it has, for its next start.
    Save,
    /// The server loses everything.
    Wipe,
}

const FAULTS: [Fault; 8] = [
    Fault::Cut,
    Fault::Delay,
    Fault::Kill,
    Fault::Stall,
    Fault::Stop,
    Fault::Refuse,
    Fault::Save,
    Fault::Wipe,
];

/// Has faults happen until `end`, and then sees that all is well; in between it is for seconds.
pub(crate) async fn happen(server: Arc<Server>, proxy: Arc<Proxy>, mut dice: Dice, end: Instant) {
    while Instant::now() < end {
        pause(&mut dice, 500, 4_000).await;
        let fault = FAULTS[dice.place(FAULTS.len())];
        happen_once(fault, &server, &proxy, &mut dice).await;
    }
}

async fn happen_once(fault: Fault, server: &Arc<Server>, proxy: &Proxy, dice: &mut Dice) {
    match fault {
        Fault::Cut => proxy.reset(),
        Fault::Delay => {
            let late = Duration::from_millis(1 + dice.below(300));
            for_a_time(proxy, Rule::Delay(late), dice).await;
        }
        Fault::Kill => {
            on(server, Server::kill).await;
            pause(dice, 50, 6_000).await;
            on(server, Server::restart).await;
        }
        Fault::Stall => for_a_time(proxy, Rule::Stall, dice).await,
        Fault::Stop => {
            on(server, Server::stop).await;
            pause(dice, 50, 6_000).await;
            on(server, Server::resume).await;
        }
        Fault::Refuse => for_a_time(proxy, Rule::Refuse, dice).await,
        Fault::Save => on(server, |server| drop(server.cli(&["SAVE"]))).await,
        Fault::Wipe => on(server, |server| drop(server.cli(&["FLUSHALL"]))).await,
    }
}

async fn for_a_time(proxy: &Proxy, rule: Rule, dice: &mut Dice) {
    proxy.set(rule);
    pause(dice, 200, 4_000).await;
    proxy.set(Rule::Pass);
}

async fn pause(dice: &mut Dice, at_least: u64, and_up_to: u64) {
    sleep(Duration::from_millis(at_least + dice.below(and_up_to))).await;
}

async fn on(server: &Arc<Server>, act: fn(&Server)) {
    let server = Arc::clone(server);
    spawn_blocking(move || act(&server)).await.expect("the server does as it is told");
}
