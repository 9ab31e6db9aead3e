//! Which node serves which slot.

use std::sync::Arc;

use super::hub::NodeId;
use super::node::Node;
use super::slot::Slot;

/// Which node serves which slot. Never changed, but replaced by another.
pub(crate) struct Map {
    shards: Vec<Shard>,
    /// For each slot, where its shard is in the list.
    owners: Box<[u16]>,
}

/// A primary and the replicas that follow it.
pub(crate) struct Shard {
    pub(crate) primary: Arc<Node>,
    pub(crate) replicas: Vec<Arc<Node>>,
}

impl Map {
    const NOBODY: u16 = u16::MAX;

    pub(crate) fn new() -> Self {
        Self { shards: Vec::new(), owners: vec![Self::NOBODY; Slot::COUNT].into() }
    }

    /// Notes who serves some slots; the last one to be said to counts.
    pub(crate) fn assign(
        &mut self,
        slots: impl Iterator<Item = usize>,
        primary: Arc<Node>,
        replicas: Vec<Arc<Node>>,
    ) {
        let known = self.shards.iter().position(|shard| shard.primary.id == primary.id);
        let index = known.unwrap_or_else(|| {
            self.shards.push(Shard { primary, replicas });
            self.shards.len() - 1
        });
        let owner = u16::try_from(index).unwrap_or(Self::NOBODY);
        slots.for_each(|slot| self.owners[slot] = owner);
    }

    /// Returns who serves a slot, if anybody does.
    pub(crate) fn shard(&self, slot: Slot) -> Option<&Shard> {
        self.shards.get(usize::from(self.owners[slot.index()]))
    }

    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// Whether a slot is served by another node than before.
    pub(crate) fn differs(&self, before: &Self) -> bool {
        let mut pairs = self.owners.iter().zip(&before.owners);
        pairs.any(|(now, then)| self.primary(*now) != before.primary(*then))
    }

    fn primary(&self, owner: u16) -> Option<NodeId> {
        self.shards.get(usize::from(owner)).map(|shard| shard.primary.id)
    }
}

impl Shard {
    /// Whether the primary is away, or a replica that is there is not checked yet.
    pub(crate) fn is_settling(&self) -> bool {
        let is_new = |node: &Arc<Node>| node.current().is_some() && !node.is_readable();
        self.primary.current().is_none() || self.replicas.iter().any(is_new)
    }

    /// Returns a replica that can be read from, another at each `turn`.
    pub(crate) fn replica(&self, turn: usize) -> Option<&Arc<Node>> {
        let count = self.replicas.len();
        let in_turn = (0..count).map(|step| &self.replicas[turn.wrapping_add(step) % count]);
        in_turn.into_iter().find(|node| node.is_readable())
    }
}
