//! What a server is for.

/// What a server is for; only one that is alone may be in a container, which reaches no other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// Serves its clients and knows no other server.
    Alone,
    /// Serves its clients, as a primary or as a replica.
    Member,
    /// Is in a cluster, and speaks to the others on a second port.
    Node,
    /// Watches members.
    Sentinel,
}

impl Role {
    /// Returns what the program is given after the name of its settings file.
    pub(crate) fn options(self) -> &'static [&'static str] {
        if self == Self::Sentinel { &["--sentinel"] } else { &[] }
    }
}
