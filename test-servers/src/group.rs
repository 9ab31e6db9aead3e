//! What a server has to do with others.

use std::io;
use std::sync::Arc;

use crate::certs::Authority;

/// What a server has to do with others, which it cannot reach from inside a container.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) role: Role,
    /// Whom all of the group trust.
    pub(crate) authority: Arc<Authority>,
}

/// What a server is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// Serves clients, as a primary or as a replica.
    Member,
    /// Is in a cluster, and speaks to the others on a second port.
    Node,
    /// Watches members.
    Sentinel,
}

impl Group {
    /// Creates a group, and gives its first role.
    pub(crate) fn new(role: Role) -> io::Result<Self> {
        Ok(Self { role, authority: Arc::new(Authority::new()?) })
    }

    /// Gives another role in the same group.
    pub(crate) fn with_role(&self, role: Role) -> Self {
        Self { role, authority: Arc::clone(&self.authority) }
    }
}

impl Role {
    /// Returns what the program is given after the name of its settings file.
    pub(crate) fn options(self) -> &'static [&'static str] {
        if self == Self::Sentinel { &["--sentinel"] } else { &[] }
    }
}
