//! What servers say about their replication.

use crate::wait::{self, GROUP_LIMIT};
use crate::{Error, Server};

/// Demands that a server names itself a primary.
pub(crate) fn check_primary(server: &Server) -> Result<(), String> {
    check(server, "role", "master")
}

/// Demands that a server is a replica in sync.
pub(crate) fn check_replica(server: &Server) -> Result<(), String> {
    check(server, "master_link_status", "up")
}

/// Waits until a replica has all that its primary has now.
pub(crate) fn copy(primary: &Server, replica: &Server) -> Result<(), Error> {
    let wanted = offset(primary, "master_repl_offset").map_err(Error::Failed)?;
    wait::until(GROUP_LIMIT, || match offset(replica, "slave_repl_offset")? {
        offset if offset >= wanted => Ok(()),
        offset => Err(format!("{} is at {offset} and not at {wanted}", replica.port())),
    })
}

fn check(server: &Server, name: &str, wanted: &str) -> Result<(), String> {
    match field(server, name)? {
        value if value == wanted => Ok(()),
        value => Err(format!("{} has the {name} {value}", server.port())),
    }
}

fn offset(server: &Server, name: &str) -> Result<u64, String> {
    let value = field(server, name)?;
    value.parse().map_err(|_| format!("{} has the {name} {value}", server.port()))
}

fn field(server: &Server, name: &str) -> Result<String, String> {
    let info = server.ask(&["INFO", "replication"])?.to_string();
    let mut fields = info.lines().filter_map(|line| line.split_once(':'));
    let field = fields.find(|(known, _)| *known == name);
    field
        .map(|(_, value)| value.to_owned())
        .ok_or_else(|| format!("{} has no {name}", server.port()))
}
