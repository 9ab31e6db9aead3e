//! Which server, and which of its databases.

use std::fmt;

/// Which server, and which of its databases. What may be shown of a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) db: u32,
}

impl Endpoint {
    /// The port of Redis and Valkey if nothing else is said, with TLS too.
    pub(crate) const DEFAULT_PORT: u16 = 6379;
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, db } = self;
        if host.contains(':') {
            return write!(f, "redis([{host}]:{port}/{db})");
        }
        write!(f, "redis({host}:{port}/{db})")
    }
}
