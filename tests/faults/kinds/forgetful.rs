//! Servers that come back with less than they were told.

use std::sync::{Arc, Mutex, PoisonError};

use cache_test_servers::{Flavour, Proxy, Rule, Server, Snapshot};

use super::roles::wait_for;
use crate::faults::stage::{Fault, Stage};

/// The server is gone, and comes back as it was a second before.
pub const RESTORED: Fault = Fault {
    name: "server killed, restarted from a snapshot of a second before",
    reason: Some("nothing listens at the address of redis"),
    waits: Fault::LEASE,
    stage: |flavour| {
        let server = Server::builder(flavour).start()?;
        let (url, kept) = (server.url(), Arc::new(Kept { server, snapshot: Mutex::default() }));
        let subject = Arc::clone(&kept);
        let stage = Stage::new(&url, subject, |kept| kept.server.kill(), |kept| kept.restore());
        Ok(stage.prepare(move || kept.save()))
    },
    ..Fault::USUAL
};

/// The primary is gone, and its replica, which heard nothing for a second, takes its place.
pub const LAGGING_REPLICA: Fault = Fault {
    name: "primary killed, a replica that lagged by a second promoted",
    reason: Some("read-only replica"),
    waits: Fault::LEASE,
    stage: |flavour| {
        let pair = Arc::new(Pair::lagging(flavour)?);
        let (url, subject) = (pair.front.url(), Arc::clone(&pair));
        let stage = Stage::new(&url, subject, |pair| pair.fall(), |pair| pair.promote());
        Ok(stage.prepare(move || pair.between.set(Rule::Stall)))
    },
    ..Fault::USUAL
};

/// A copy of the server, a second old, answers in its place; later itself again.
pub const ANOTHER_SERVER: Fault = Fault {
    name: "a copy of the server, a second old, behind its address, then itself again",
    opens: false,
    waits: Fault::LEASE,
    stage: |flavour| {
        let twins = Arc::new(Twins::start(flavour)?);
        let (url, subject) = (twins.front.url(), Arc::clone(&twins));
        let stage = Stage::new(
            &url,
            subject,
            |twins| twins.front.lead_to(&twins.other),
            |twins| twins.front.lead_to(&twins.one),
        );
        Ok(stage.prepare(move || twins.other.restart_from(&twins.one.snapshot())))
    },
    ..Fault::USUAL
};

/// A server, and what it kept.
struct Kept {
    server: Server,
    snapshot: Mutex<Option<Snapshot>>,
}

impl Kept {
    fn save(&self) {
        let snapshot = self.server.snapshot();
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
    }

    fn restore(&self) {
        let snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        self.server.restart_from(snapshot.as_ref().expect("the server was saved before"));
    }
}

/// Two servers of which one is a copy of the other as it was.
struct Twins {
    front: Proxy,
    one: Server,
    other: Server,
}

impl Twins {
    fn start(flavour: Flavour) -> Result<Self, cache_test_servers::Error> {
        let one = Server::builder(flavour).start()?;
        let other = Server::builder(flavour).start()?;
        Ok(Self { front: Proxy::before(&one)?, one, other })
    }
}

/// A primary, and a replica that hears it through a network of its own.
struct Pair {
    front: Proxy,
    between: Proxy,
    primary: Server,
    replica: Server,
}

impl Pair {
    fn lagging(flavour: Flavour) -> Result<Self, cache_test_servers::Error> {
        let primary = Server::builder(flavour).start()?;
        let replica = Server::builder(flavour).start()?;
        let (front, between) = (Proxy::before(&primary)?, Proxy::before(&primary)?);
        replica.cli(&["REPLICAOF", replica.host(), &between.port().to_string()]);
        wait_for(&replica, "master_link_status:up");
        Ok(Self { front, between, primary, replica })
    }

    /// The replica answers, and takes no writes yet.
    fn fall(&self) {
        self.primary.kill();
        self.between.set(Rule::Refuse);
        self.front.lead_to(&self.replica);
    }

    fn promote(&self) {
        self.replica.cli(&["REPLICAOF", "NO", "ONE"]);
    }
}
