//! Whether a cluster serves every slot, and agrees on who does.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::Cluster;
use super::node::Node;
use crate::{Server, replication};

/// What running nodes must agree on about each of them: by id, its primary and its slots.
type Facts = BTreeMap<String, (Option<String>, Vec<RangeInclusive<u16>>)>;

/// Finds out why a cluster is not yet as it should be.
pub(crate) fn check(cluster: &Cluster) -> Result<(), String> {
    let running: Vec<_> = cluster.running().collect();
    let ids: Vec<_> = running.iter().map(|server| cluster.id(server)).collect();
    let mut agreed = None;
    for server in running {
        check_state(server)?;
        check_link(server)?;
        let facts = facts(server, &ids)?;
        if *agreed.get_or_insert_with(|| facts.clone()) != facts {
            return Err(format!("{} sees {facts:?}, another sees {agreed:?}", server.port()));
        }
    }
    Ok(())
}

fn check_state(server: &Server) -> Result<(), String> {
    let info = server.ask(&["CLUSTER", "INFO"])?.to_string();
    match info.lines().next() {
        Some("cluster_state:ok") => Ok(()),
        other => Err(format!("{} says {other:?}", server.port())),
    }
}

/// Demands that a replica is in sync with its primary.
fn check_link(server: &Server) -> Result<(), String> {
    replication::check_primary(server).or_else(|_| replication::check_replica(server))
}

/// Returns what a server knows about those that run; the others must have no slots left.
fn facts(server: &Server, ids: &[&str]) -> Result<Facts, String> {
    let mut facts = Facts::new();
    for node in Node::all(server)? {
        let runs = ids.contains(&node.id.as_str());
        if runs && ["fail", "fail?", "handshake", "noaddr"].iter().any(|flag| node.is(flag)) {
            return Err(format!("{} does not reach {node:?}", server.port()));
        }
        if !runs && !node.slots.is_empty() {
            return Err(format!("{} knows no better than {node:?}", server.port()));
        }
        facts.extend(runs.then_some((node.id, (node.primary, node.slots))));
    }
    if facts.len() != ids.len() {
        return Err(format!("{} knows {} nodes of {}", server.port(), facts.len(), ids.len()));
    }
    Ok(facts)
}
