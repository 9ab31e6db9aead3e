//! All nodes of a cluster that are known.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::future::join_all;

use super::hub::{Hub, NodeId};
use super::map::Map;
use super::node::Node;
use super::view::View;
use crate::Result;
use crate::dial::{Dialer, Role};
use crate::endpoint::Host;
use crate::error::{circles, closed};
use crate::link::Link;

/// All nodes of a cluster that are known, each with its connection.
pub(crate) struct Nodes {
    /// Says how to connect, to whichever node.
    template: Dialer,
    with_replicas: bool,
    hub: OnceLock<Arc<Hub>>,
    known: Mutex<Known>,
    /// Where the nodes of the last view are, those without a connection too.
    hosts: Mutex<HashSet<Host>>,
    next: AtomicU64,
}

/// `None` once it is closed.
type Known = Option<HashMap<(Host, Role), Arc<Node>>>;

impl Nodes {
    /// More than any cluster has; bounds what redirections without end can make us open.
    const MOST: usize = 4096;

    pub(crate) fn new(template: Dialer, with_replicas: bool) -> Self {
        let (hub, known) = (OnceLock::new(), Mutex::new(Some(HashMap::new())));
        let (hosts, next) = (Mutex::default(), AtomicU64::new(0));
        Self { template, with_replicas, hub, known, hosts, next }
    }

    /// Makes nodes from now on tell what others change.
    pub(crate) fn listen(&self, hub: Hub) {
        // The contract is one call; a second listener is not heard.
        let _ = self.hub.set(Arc::new(hub));
    }

    pub(crate) fn hub(&self) -> Option<&Arc<Hub>> {
        self.hub.get()
    }

    pub(crate) fn template(&self) -> &Dialer {
        &self.template
    }

    /// Takes the nodes of `view` and leaves those that are not in it, and returns who serves what.
    ///
    /// Nodes that redirections led to lately stay: a primary that slots are moved to serves none
    /// before the first of them is there.
    pub(crate) fn adopt(&self, view: View) -> Result<Map> {
        *self.hosts.lock().unwrap_or_else(PoisonError::into_inner) = view.hosts();
        let mut known = self.known();
        let old = mem::take(known.as_mut().ok_or_else(closed)?);
        let mut taken = Taking { nodes: self, old, new: HashMap::new() };
        let mut map = Map::new();
        for range in view.ranges {
            let primary = taken.node(range.primary, Role::Primary);
            let replicas = range.replicas.into_iter().filter(|_| self.with_replicas);
            let replicas = replicas.map(|host| taken.node(host, Role::Replica)).collect();
            map.assign(range.slots, primary, replicas);
        }
        let Taking { old, mut new, .. } = taken;
        let serving: HashSet<NodeId> = map.shards().iter().map(|shard| shard.primary.id).collect();
        new.extend(
            old.into_iter().filter(|((_, role), node)| *role == Role::Primary && node.was_wanted()),
        );
        let guests = new
            .iter()
            .filter(|((_, role), node)| *role == Role::Primary && !serving.contains(&node.id));
        let guests = guests.map(|(_, node)| node.id).collect();
        // Before anybody reads from one that is new.
        self.hub().iter().for_each(|hub| hub.expect(serving.clone(), &guests));
        new.values().for_each(|node| node.open());
        *known = Some(new);
        Ok(map)
    }

    /// Returns the node that a redirection leads to.
    pub(crate) fn guest(&self, host: Host) -> Result<Arc<Node>> {
        let mut known = self.known();
        let known = known.as_mut().ok_or_else(closed)?;
        let place = (host, Role::Primary);
        let node = match known.get(&place) {
            Some(node) => Arc::clone(node),
            None if known.len() >= Self::MOST => return Err(circles()),
            None => {
                let node = self.node(place.0.clone(), Role::Primary);
                self.hub().iter().for_each(|hub| hub.expect_also(node.id));
                known.insert(place, Arc::clone(&node));
                node
            }
        };
        node.want();
        Ok(node)
    }

    pub(crate) fn has_replicas(&self) -> bool {
        self.with_replicas
    }

    /// Returns the replicas that may be read from.
    pub(crate) fn replicas(&self) -> Vec<Arc<Node>> {
        let known = self.known();
        let replicas = known.iter().flatten().filter(|((_, role), _)| *role == Role::Replica);
        replicas.map(|(_, node)| Arc::clone(node)).collect()
    }

    /// Returns the nodes that are connected, in no order.
    pub(crate) fn connected(&self) -> Vec<(Host, Link)> {
        let known = self.known();
        let nodes = known.iter().flat_map(HashMap::values);
        nodes.filter_map(|node| Some((node.host.clone(), node.current()?))).collect()
    }

    /// Returns where nodes are, by the last view.
    pub(crate) fn hosts(&self) -> HashSet<Host> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends all connections, and lets nobody open another.
    pub(crate) async fn close(&self) {
        let known = self.known().take().unwrap_or_default();
        join_all(known.values().map(|node| node.close())).await;
    }

    /// Ends all connections that nobody uses at this moment, and lets nobody open another.
    pub(crate) fn abandon(&self) {
        let known = self.known().take();
        drop(known);
    }

    fn node(&self, host: Host, role: Role) -> Arc<Node> {
        let id = NodeId(self.next.fetch_add(1, Ordering::Relaxed));
        Arc::new(match role {
            Role::Replica => Node::replica(id, host, &self.template, role),
            _ => Node::primary(id, host, &self.template, self.hub()),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nodes on their way from an old set to a new one.
struct Taking<'a> {
    nodes: &'a Nodes,
    old: HashMap<(Host, Role), Arc<Node>>,
    new: HashMap<(Host, Role), Arc<Node>>,
}

impl Taking<'_> {
    fn node(&mut self, host: Host, role: Role) -> Arc<Node> {
        let place = (host, role);
        if let Some(node) = self.new.get(&place) {
            return Arc::clone(node);
        }
        let node = match self.old.remove(&place) {
            Some(node) => node,
            None => self.nodes.node(place.0.clone(), role),
        };
        self.new.insert(place, Arc::clone(&node));
        node
    }
}
