//! Makes a cluster of nodes that know nothing.

use super::node::Node;
use super::{Cluster, health, slot};
use crate::wait::{self, GROUP_LIMIT};
use crate::{Error, Server};

/// How many primaries there are at first; fewer than three could not vote one of them out.
const PRIMARIES: u16 = 3;

/// Starts all nodes, and waits until they are a cluster.
pub(crate) fn create(cluster: &mut Cluster) -> Result<(), Error> {
    for _ in 0..2 * PRIMARIES {
        add(cluster)?;
    }
    let (primaries, replicas) = cluster.nodes.split_at(PRIMARIES.into());
    for (index, primary) in (0..).zip(primaries) {
        let slots = slot::share(index, PRIMARIES);
        let (first, last) = (slots.start().to_string(), slots.end().to_string());
        primary.demand(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
    }
    for (primary, replica) in cluster.ids.iter().zip(replicas) {
        // Refused until the replica has heard of its primary.
        wait::until(GROUP_LIMIT, || replica.ask(&["CLUSTER", "REPLICATE", primary]))?;
    }
    wait::until(GROUP_LIMIT, || health::check(cluster))
}

/// Starts a node and has all others meet it.
pub(crate) fn add(cluster: &mut Cluster) -> Result<(), Error> {
    let server = cluster.builder.clone().start()?;
    let epoch = (cluster.nodes.len() + 1).to_string();
    server.demand(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])?;
    let id = Node::of(&server).map_err(Error::Failed)?.id;
    for other in cluster.running() {
        meet(&server, other)?;
    }
    cluster.nodes.push(server);
    cluster.ids.push(id);
    Ok(())
}

fn meet(server: &Server, other: &Server) -> Result<(), Error> {
    let bus = other.bus_port().expect("a node has a bus").to_string();
    server.demand(&["CLUSTER", "MEET", other.host(), &other.port().to_string(), &bus])?;
    Ok(())
}
