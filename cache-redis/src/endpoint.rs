//! Which server, and which of its databases.

use std::fmt;
use std::path::PathBuf;

/// Which server, and which of its databases. What may be shown of a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    pub(crate) db: u32,
}

/// Where a server listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    /// Many servers, each with a part of the keys.
    Cluster(Seeds),
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

/// The nodes of a cluster to begin with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seeds {
    pub(crate) first: Host,
    pub(crate) others: Vec<Host>,
}

impl Seeds {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Host> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Host {
    /// The port of Redis and Valkey if nothing else is said, with TLS too.
    pub(crate) const DEFAULT_PORT: u16 = 6379;
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { address: address @ Address::Cluster(_), .. } => write!(f, "redis({address})"),
            Self { address, db } => write!(f, "redis({address}/{db})"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(seeds) => seeds.fmt(f),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(host) => host.fmt(f),
        }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seeds: Vec<_> = self.iter().map(Host::to_string).collect();
        write!(f, "cluster {}", seeds.join(","))
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
