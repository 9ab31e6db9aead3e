//! Three primaries that share all keys, with a replica each.

mod birth;
mod health;
mod node;
mod slot;
mod transfer;

use node::Node;

use crate::group::{Group, Role};
use crate::wait::{self, GROUP_LIMIT};
use crate::{Builder, Error, Server, replication};

/// A real cluster: three primaries and a replica of each, ended when this is dropped.
///
/// Methods block the calling thread, as those of [`Server`] do. Nodes are numbered for as long as
/// the cluster is there: a killed one keeps its place, and returns there with [`Server::restart`].
#[derive(Debug)]
pub struct Cluster {
    builder: Builder,
    nodes: Vec<Server>,
    ids: Vec<String>,
}

impl Cluster {
    /// Starts a cluster and waits until it is ready; takes a [`Flavour`](crate::Flavour) too.
    ///
    /// The builder describes every node. A node that is silent for a second is taken for dead; the
    /// setting `cluster-node-timeout` changes that. With TLS, all nodes have one authority, and speak
    /// TLS among themselves.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the program is missing and that was noted in the file named by
    /// `CACHE_ASIDE_NOT_RUN`, containers being no substitute; [`Error::Failed`] if the nodes do not
    /// agree.
    ///
    /// # Panics
    ///
    /// If the program is missing and there is no file to note that in.
    pub fn start(builder: impl Into<Builder>) -> Result<Self, Error> {
        let builder = builder.into().group(Group::new(Role::Node)?);
        let mut cluster = Self { builder, nodes: Vec::new(), ids: Vec::new() };
        birth::create(&mut cluster)?;
        Ok(cluster)
    }

    /// Adds a primary that has no slots yet, and returns it.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] or [`Error::Io`] if it does not start, or if the others do not take it in.
    pub fn add_node(&mut self) -> Result<&Server, Error> {
        let index = self.nodes.len();
        birth::add(self)?;
        wait::until(GROUP_LIMIT, || health::check(self))?;
        Ok(&self.nodes[index])
    }

    /// Returns all nodes, the killed ones too: at first, three primaries and then their replicas.
    pub fn nodes(&self) -> &[Server] {
        &self.nodes
    }

    /// Returns the addresses of all nodes, with the credentials to use.
    pub fn seeds(&self) -> Vec<String> {
        self.nodes.iter().map(Server::url).collect()
    }

    /// Returns the slot of a key, or of its hash tag.
    pub fn slot_of(key: &[u8]) -> u16 {
        slot::of(key)
    }

    /// Returns the running node that holds a slot, by its own account.
    ///
    /// # Panics
    ///
    /// If there is none, as after a kill until [`Cluster::wait_until_ok`].
    pub fn primary_of_slot(&self, slot: u16) -> &Server {
        let nodes = self.running().filter_map(|server| Some((Node::of(server).ok()?, server)));
        let holders = nodes.filter(|(node, _)| node.primary.is_none() && node.holds(slot));
        let newest = holders.max_by_key(|(node, _)| node.epoch);
        newest.map(|(_, server)| server).expect("a running node holds the slot")
    }

    /// Returns the running replica of a node, by its own account; the node itself may be killed.
    ///
    /// # Panics
    ///
    /// If there is none, as after a replica has taken over.
    pub fn replica_of(&self, primary: &Server) -> &Server {
        let id = self.id(primary);
        let is_replica = |server: &Server| {
            Node::of(server).is_ok_and(|node| node.primary.as_deref() == Some(id))
        };
        self.running().find(|server| is_replica(server)).expect("the node has a running replica")
    }

    /// Waits until the nodes that run serve every slot, agree on who does, and are in sync.
    ///
    /// After a primary was killed or stopped, that is when its replica has taken over.
    ///
    /// # Panics
    ///
    /// If that takes more than a minute.
    pub fn wait_until_ok(&self) {
        wait::until(GROUP_LIMIT, || health::check(self)).expect("the nodes agree in time");
    }

    /// Waits until the running replicas have all that their primaries have now.
    ///
    /// # Panics
    ///
    /// If a primary does not run, or that takes more than a minute.
    pub fn wait_until_copied(&self) {
        let replicas = self.running().filter_map(|server| Some((server, self.primary_of(server)?)));
        for (replica, primary) in replicas {
            replication::copy(primary, replica).expect("a replica keeps up");
        }
    }

    /// Returns the primary of a replica, by its own account.
    fn primary_of(&self, replica: &Server) -> Option<&Server> {
        let id = Node::of(replica).ok()?.primary?;
        let index = self.ids.iter().position(|known| *known == id)?;
        Some(&self.nodes[index])
    }

    fn running(&self) -> impl Iterator<Item = &Server> {
        self.nodes.iter().filter(|server| server.is_running())
    }

    fn primaries(&self) -> impl Iterator<Item = &Server> {
        self.running().filter(|server| Node::of(server).is_ok_and(|node| node.primary.is_none()))
    }

    fn id(&self, server: &Server) -> &str {
        let index = self.nodes.iter().position(|node| node.port() == server.port());
        &self.ids[index.expect("the server is a node of this cluster")]
    }
}
