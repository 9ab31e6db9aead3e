//! A primary and its replica, watched by sentinels.

mod builder;
mod health;

pub use builder::SentinelBuilder;

use crate::wait::{self, GROUP_LIMIT};
use crate::{Error, Flavour, Server, replication};

/// A primary and a replica, and three sentinels that make the replica primary if they must.
///
/// Everything ends when this is dropped. Methods block the calling thread, as those of [`Server`]
/// do. A primary that is silent for a second is taken for dead.
#[derive(Debug)]
pub struct SentinelSet {
    servers: [Server; 2],
    sentinels: Vec<Server>,
}

impl SentinelSet {
    /// The name under which the sentinels know the primary.
    pub const NAME: &str = "main";

    /// Describes servers with sentinels.
    pub fn builder(flavour: Flavour) -> SentinelBuilder {
        SentinelBuilder::new(flavour)
    }

    /// Starts servers and sentinels that are open to everybody.
    ///
    /// # Errors
    ///
    /// Those of [`SentinelBuilder::start`].
    ///
    /// # Panics
    ///
    /// Where [`SentinelBuilder::start`] does.
    pub fn start(flavour: Flavour) -> Result<Self, Error> {
        Self::builder(flavour).start()
    }

    /// Returns the hosts and ports of the sentinels.
    pub fn addresses(&self) -> Vec<(String, u16)> {
        self.sentinels.iter().map(|server| (server.host().to_owned(), server.port())).collect()
    }

    /// Returns the sentinels, which are servers too, to ask and to kill.
    ///
    /// After a restart, a sentinel knows what it knew, but looks and tells as seldom as by default.
    pub fn sentinels(&self) -> &[Server] {
        &self.sentinels
    }

    /// Returns the primary and the replica, at first in this order.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Returns the server that the first running sentinel names as the primary; it may be killed.
    ///
    /// # Panics
    ///
    /// If no sentinel runs, or the one asked does not answer.
    pub fn primary(&self) -> &Server {
        let sentinel = self.running().next().expect("a sentinel runs");
        let port = health::named_port(sentinel).expect("a running sentinel names a primary");
        let mut servers = self.servers.iter();
        servers.find(|server| server.port() == port).expect("the primary is one of the servers")
    }

    /// Returns the server that is not the [`primary`](SentinelSet::primary).
    ///
    /// # Panics
    ///
    /// If no sentinel runs, or the one asked does not answer.
    pub fn replica(&self) -> &Server {
        self.other(self.primary())
    }

    /// Asks a sentinel to make the replica primary, until it agrees to.
    ///
    /// Returns before that is done: see [`SentinelSet::wait_for_new_primary`].
    ///
    /// # Panics
    ///
    /// If the sentinel finds no replica that is fit within a minute.
    pub fn fail_over(&self) {
        let sentinel = self.running().next().expect("a sentinel runs");
        wait::until(GROUP_LIMIT, || sentinel.ask(&["SENTINEL", "FAILOVER", Self::NAME]))
            .expect("a sentinel agrees to fail over");
    }

    /// Waits until all running sentinels name another primary, and that one agrees; returns it.
    ///
    /// # Panics
    ///
    /// If that takes more than a minute.
    pub fn wait_for_new_primary(&self, old: &Server) -> &Server {
        let attempt = || {
            let primary = health::agreed(self)?;
            if primary.port() == old.port() {
                return Err(format!("{} is still the primary", old.port()));
            }
            replication::check_primary(primary).map(|()| primary)
        };
        wait::until(GROUP_LIMIT, attempt).expect("the replica becomes primary in time")
    }

    /// Waits until the replica is in sync, and all running sentinels know all that there is to know.
    ///
    /// After a failover, that needs the old primary to be back.
    ///
    /// # Panics
    ///
    /// If that takes more than a minute.
    pub fn wait_until_ok(&self) {
        wait::until(GROUP_LIMIT, || health::check(self)).expect("the sentinels agree in time");
    }

    /// Waits until the replica has all that the primary has now.
    ///
    /// # Panics
    ///
    /// If one of them does not run, or that takes more than a minute.
    pub fn wait_until_copied(&self) {
        let primary = self.primary();
        replication::copy(primary, self.other(primary)).expect("the replica keeps up");
    }

    fn running(&self) -> impl Iterator<Item = &Server> {
        self.sentinels.iter().filter(|sentinel| sentinel.is_running())
    }

    fn other(&self, primary: &Server) -> &Server {
        let [first, second] = &self.servers;
        if primary.port() == first.port() { second } else { first }
    }
}
