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
    /// The file of a unix socket.
    Socket(PathBuf),
    Tcp(Host),
}

/// A name or an address, and a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
}

impl Host {
    /// The port of Redis and Valkey if nothing else is said, with TLS too.
    pub(crate) const DEFAULT_PORT: u16 = 6379;
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, db } = self;
        write!(f, "redis({address}/{db})")
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
