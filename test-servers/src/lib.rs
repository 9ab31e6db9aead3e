//! Real Redis and Valkey servers for tests.
//!
//! Each [`Server`] listens on a loopback port of its own, keeps its data in a temporary folder of
//! its own, and ends with its handle. It also ends, and its folder goes, when the test process is
//! killed: a small shell process holds the other end of a pipe and cleans up when that closes.
//!
//! ```
//! use cache_test_servers::{Flavour, Server, server_or_return};
//!
//! let server = server_or_return!(Server::builder(Flavour::Redis).user("app", "secret"));
//! // … hand `server.url()` to the code under test, then act as another program:
//! server.cli(&["SET", "greeting", "hello"]);
//! assert_eq!(server.cli(&["GET", "greeting"]), "hello");
//! ```
//!
//! # Groups
//!
//! A [`Cluster`] is three primaries with a replica each; a [`SentinelSet`] is a primary, a replica
//! and three sentinels. Their servers know each other before a test gets them:
//!
//! ```
//! use cache_test_servers::{Cluster, Flavour, cluster_or_return};
//!
//! let cluster = cluster_or_return!(Flavour::Valkey);
//! let primary = cluster.primary_of_slot(Cluster::slot_of(b"greeting"));
//! primary.kill();
//! cluster.wait_until_ok(); // its replica has taken over
//! ```
//!
//! They need Redis 7.0 or a Valkey as a program; no group is in containers.
//!
//! # Networks
//!
//! A [`Proxy`] stands before a server and makes the network as bad as its [`Rule`] says.
//!
//! # Where servers come from
//!
//! `redis-server` and `valkey-server` are taken from `PATH`; a missing one comes from a container,
//! if the feature `container` is on and a Docker engine answers. [`Flavour::Container`] is always a
//! container. A present image is used as it is; a missing one is pulled.
//!
//! # Tests that cannot run
//!
//! A server that cannot be had never turns into a silent pass. If `CACHE_ASIDE_NOT_RUN` names a
//! file, the test's name and what it missed are appended there and [`Builder::start`] answers
//! [`Error::Unavailable`]; otherwise it panics. `cargo xtask test` installs what is missing, sets
//! the variable, and lists what could not run.
//!
//! # Limits
//!
//! Unix only. All calls block the calling thread, to start a process for some tens of milliseconds
//! and a group for some seconds; they may be made inside and outside tokio.

mod acts;
mod builder;
mod certs;
mod cluster;
#[cfg(feature = "container")]
mod container;
mod control;
mod error;
mod flavour;
mod group;
mod guard;
mod host;
mod not_run;
mod port;
mod process;
mod proxy;
mod replication;
mod reply;
mod sentinel;
mod server;
mod session;
mod settings;
mod wait;

pub use acts::Snapshot;
pub use builder::Builder;
pub use certs::Pem;
pub use cluster::Cluster;
pub use error::Error;
pub use flavour::Flavour;
pub use proxy::{Proxy, Rule};
pub use reply::Reply;
pub use sentinel::{SentinelBuilder, SentinelSet};
pub use server::Server;
pub use session::Session;

/// Starts a server, or returns from the test if that was noted as not possible.
///
/// Takes a [`Flavour`] or a [`Builder`], and what to return if the test returns something:
/// `server_or_return!(Flavour::Valkey, Ok(()))`.
///
/// # Panics
///
/// If the server can be had but does not start, and where [`Builder::start`] does.
#[macro_export]
macro_rules! server_or_return {
    ($server:expr $(, $otherwise:expr)?) => {
        match $crate::Builder::from($server).start() {
            Ok(server) => server,
            Err($crate::Error::Unavailable(_)) => return $($otherwise)?,
            Err(error) => panic!("{error:?}"),
        }
    };
}

/// Starts a [`Cluster`], or returns from the test if that was noted as not possible.
///
/// Takes what [`server_or_return!`] takes; the builder describes every node.
///
/// # Panics
///
/// If the cluster can be had but does not start, and where [`Cluster::start`] does.
#[macro_export]
macro_rules! cluster_or_return {
    ($cluster:expr $(, $otherwise:expr)?) => {
        match $crate::Cluster::start($cluster) {
            Ok(cluster) => cluster,
            Err($crate::Error::Unavailable(_)) => return $($otherwise)?,
            Err(error) => panic!("{error:?}"),
        }
    };
}

/// Starts a [`SentinelSet`], or returns from the test if that was noted as not possible.
///
/// Takes a [`Flavour`] or a [`SentinelBuilder`], and what to return as [`server_or_return!`] does.
///
/// # Panics
///
/// If the set can be had but does not start, and where [`SentinelBuilder::start`] does.
#[macro_export]
macro_rules! sentinel_or_return {
    ($set:expr $(, $otherwise:expr)?) => {
        match $crate::SentinelBuilder::from($set).start() {
            Ok(set) => set,
            Err($crate::Error::Unavailable(_)) => return $($otherwise)?,
            Err(error) => panic!("{error:?}"),
        }
    };
}
