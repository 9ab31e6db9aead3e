//! Moves a slot to another node, while clients use it.

use super::Cluster;
use crate::{Reply, Server};

/// How long a batch of keys may be under way, in milliseconds.
const MIGRATE_LIMIT: &str = "5000";

impl Cluster {
    /// Moves a slot and its keys, and waits until all nodes know.
    ///
    /// # Panics
    ///
    /// If a node refuses, or the slot is the target's already.
    pub fn move_slot(&self, slot: u16, to: &Server) {
        self.begin_move(slot, to);
        self.finish_move(slot, to);
    }

    /// Opens a slot for a move: its node now answers `ASK` for the keys that it does not have.
    ///
    /// # Panics
    ///
    /// If a node refuses, or the slot is the target's already.
    pub fn begin_move(&self, slot: u16, to: &Server) {
        let from = self.primary_of_slot(slot);
        assert_ne!(from.port(), to.port(), "slot {slot} is there already");
        let slot = slot.to_string();
        to.cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", self.id(from)]);
        from.cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", self.id(to)]);
    }

    /// Moves the keys that are in an open slot now; it stays open.
    ///
    /// # Panics
    ///
    /// If a node refuses.
    pub fn move_keys(&self, slot: u16, to: &Server) {
        let from = self.primary_of_slot(slot);
        loop {
            let keys = keys(from, slot);
            if keys.is_empty() {
                return;
            }
            from.cli(&self.migration(to, keys));
        }
    }

    /// Moves what keys are left, gives the slot to its new node, and waits until all nodes know.
    ///
    /// # Panics
    ///
    /// If a node refuses.
    pub fn finish_move(&self, slot: u16, to: &Server) {
        self.move_keys(slot, to);
        let from = self.primary_of_slot(slot);
        let others =
            self.primaries().filter(|node| ![to.port(), from.port()].contains(&node.port()));
        // The target first: after the source, nobody would hold the slot if the target ended now.
        for node in [to, from].into_iter().chain(others) {
            node.cli(&["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", self.id(to)]);
        }
        self.wait_until_ok();
    }

    /// Words a `MIGRATE`, which logs in where that is needed.
    fn migration(&self, to: &Server, keys: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let port = to.port().to_string();
        let mut words = vec!["MIGRATE", to.host(), &port, "", "0", MIGRATE_LIMIT];
        if let Some(password) = self.builder.secret() {
            words.extend(["AUTH", password]);
        }
        words.push("KEYS");
        words.into_iter().map(Into::into).chain(keys).collect()
    }
}

/// Returns some keys of a slot.
fn keys(server: &Server, slot: u16) -> Vec<Vec<u8>> {
    let words = ["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), "100"];
    let Ok(Reply::Array(keys)) = server.command(&words) else {
        panic!("the server does not list the keys of slot {slot}");
    };
    let bytes = |key| if let Reply::Bulk(bytes) = key { Some(bytes) } else { None };
    keys.into_iter().filter_map(bytes).collect()
}
