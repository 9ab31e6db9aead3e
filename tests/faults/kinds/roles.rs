//! Servers that are primaries no more.

use std::thread;
use std::time::Duration;

use cache_test_servers::{Flavour, Server};

use crate::faults::stage::{Fault, Stage};

/// The server was made a replica of one that cannot be reached, and serves nothing.
pub const DEMOTED: Fault = Fault {
    name: "replica without its primary (`MASTERDOWN`)",
    reason: Some("read-only replica"),
    stage: |flavour| {
        let server = Server::builder(flavour).config("replica-serve-stale-data", "no").start()?;
        let begin = |server: &Server| drop(server.cli(&["REPLICAOF", "127.0.0.1", "1"]));
        let end = |server: &Server| drop(server.cli(&["REPLICAOF", "NO", "ONE"]));
        Ok(Stage::new(&server.url(), server, begin, end))
    },
    ..Fault::USUAL
};

/// The server has handed over to its replica, which is at another address; and back.
pub const FAILED_OVER: Fault = Fault {
    name: "read-only after a failover (`READONLY`), and failed back",
    reason: Some("read-only replica"),
    stage: |flavour| {
        let pair = pair(flavour)?;
        let url = pair.0.url();
        Ok(Stage::new(
            &url,
            pair,
            |(one, two)| hand_over(one, two),
            |(one, two)| hand_over(two, one),
        ))
    },
    ..Fault::USUAL
};

/// Starts a primary and its replica, in sync.
pub(super) fn pair(flavour: Flavour) -> Result<(Server, Server), cache_test_servers::Error> {
    let (primary, replica) = (Server::builder(flavour).start()?, Server::builder(flavour).start()?);
    replica.cli(&["REPLICAOF", primary.host(), &primary.port().to_string()]);
    wait_for(&replica, "master_link_status:up");
    Ok((primary, replica))
}

/// Makes the replica the primary, with all that the primary has.
fn hand_over(primary: &Server, replica: &Server) {
    primary.cli(&["FAILOVER", "TO", replica.host(), &replica.port().to_string()]);
    wait_for(primary, "role:slave");
    wait_for(replica, "role:master");
    wait_for(primary, "master_link_status:up");
}

/// Waits until a server says something of its replication.
pub(super) fn wait_for(server: &Server, line: &str) {
    for _ in 0..20_000 {
        if server.cli(&["INFO", "replication"]).lines().any(|said| said == line) {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("{} never said {line}", server.port());
}
