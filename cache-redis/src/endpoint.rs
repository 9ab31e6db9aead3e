//! Which server, and which of its databases.

use std::fmt;
use std::path::PathBuf;

/// Which server, and which of its databases. What may be shown of a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) place: Place,
    pub(crate) db: u32,
}

/// Where the server is, or who knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    At(Address),
    /// Many servers, each with a part of the keys.
    Cluster(Seeds),
    Elected(Election),
}

/// The nodes of a cluster to begin with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seeds {
    pub(crate) first: Host,
    pub(crate) others: Vec<Host>,
}

impl Seeds {
    /// `None` without a node.
    pub(crate) fn new(hosts: Vec<Host>) -> Option<Self> {
        let mut hosts = hosts.into_iter();
        Some(Self { first: hosts.next()?, others: hosts.collect() })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Host> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// The primary that sentinels agree on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Election {
    /// What the sentinels call it.
    pub(crate) name: String,
    pub(crate) sentinels: Vec<Host>,
}

/// Where a server listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    /// The file of a unix socket.
    Socket(PathBuf),
    Tcp(Host),
}

/// A name or an address, and a port.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
}

impl Host {
    /// The port of Redis and Valkey if nothing else is said, with TLS too.
    pub(crate) const DEFAULT_PORT: u16 = 6379;
    /// The port of a sentinel if nothing else is said.
    pub(crate) const SENTINEL_PORT: u16 = 26379;
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { place: place @ Place::Cluster(_), .. } => write!(f, "redis({place})"),
            Self { place, db } => write!(f, "redis({place}/{db})"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Cluster(seeds) => {
                let seeds: Vec<_> = seeds.iter().map(Host::to_string).collect();
                write!(f, "cluster {}", seeds.join(","))
            }
            Self::Elected(Election { name, sentinels }) => {
                let sentinels: Vec<_> = sentinels.iter().map(Host::to_string).collect();
                write!(f, "{name}@{}", sentinels.join(","))
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(host) => host.fmt(f),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') {
            return write!(f, "[{name}]:{port}");
        }
        write!(f, "{name}:{port}")
    }
}
