//! Whether sentinels and servers know each other.

use super::SentinelSet;
use crate::{Reply, Server, replication};

/// Finds out why a failover is not yet possible.
pub(crate) fn check(set: &SentinelSet) -> Result<(), String> {
    let primary = agreed(set)?;
    replication::check_primary(primary)?;
    replication::check_replica(set.other(primary))?;
    let others = set.running().count() - 1;
    set.running().try_for_each(|sentinel| check_sentinel(sentinel, others))
}

/// Returns the server that all running sentinels name as the primary.
pub(crate) fn agreed(set: &SentinelSet) -> Result<&Server, String> {
    let ports = set.running().map(named_port).collect::<Result<Vec<_>, _>>()?;
    let named = set.servers.iter().find(|server| ports.iter().all(|port| *port == server.port()));
    named.filter(|_| !ports.is_empty()).ok_or_else(|| format!("the sentinels name {ports:?}"))
}

/// Returns the port of the server that a sentinel names as the primary.
pub(crate) fn named_port(sentinel: &Server) -> Result<u16, String> {
    let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SentinelSet::NAME];
    let address = sentinel.ask(&words)?.to_string();
    let port = address.lines().nth(1).and_then(|port| port.parse().ok());
    port.ok_or_else(|| format!("{} names {address:?}", sentinel.port()))
}

/// Demands that a sentinel reaches the primary, the replica and the other running sentinels.
fn check_sentinel(sentinel: &Server, others: usize) -> Result<(), String> {
    let linked = [("flags", "slave"), ("master-link-status", "ok")];
    check_reach(sentinel, &["MASTERS"], &[("flags", "master")], 1)?;
    check_reach(sentinel, &["REPLICAS", SentinelSet::NAME], &linked, 1)?;
    check_reach(sentinel, &["SENTINELS", SentinelSet::NAME], &[("flags", "sentinel")], others)
}

/// Demands that a sentinel knows enough instances with the wanted fields; a flag more is a fault.
fn check_reach(
    sentinel: &Server,
    words: &[&str],
    wanted: &[(&str, &str)],
    enough: usize,
) -> Result<(), String> {
    let Reply::Array(known) = sentinel.ask(&[&["SENTINEL"], words].concat())? else {
        return Err(format!("{} knows none of {words:?}", sentinel.port()));
    };
    let is_wanted = |instance: &Reply| wanted.iter().all(|field| has(instance, *field));
    if known.iter().filter(|instance| is_wanted(instance)).count() >= enough {
        return Ok(());
    }
    Err(format!("{} knows too little of {words:?}: {known:?}", sentinel.port()))
}

/// Tells whether an instance, which is a list of names and values in turn, has a field.
fn has(instance: &Reply, (name, value): (&str, &str)) -> bool {
    let Reply::Array(fields) = instance else { return false };
    fields
        .chunks(2)
        .any(|field| matches!(field, [n, v] if n.to_string() == name && v.to_string() == value))
}
