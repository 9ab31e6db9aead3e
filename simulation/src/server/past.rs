//! What a server had before.

use std::collections::BTreeMap;

use super::{Name, Stored};

/// What was replaced or removed since the server was started, oldest first.
#[derive(Debug, Default)]
pub(super) struct Past(Vec<(u64, Name, Option<Stored>)>);

impl Past {
    pub(super) fn note(&mut self, now: u64, name: &Name, before: Option<Stored>) {
        self.0.push((now, name.clone(), before));
    }

    /// Takes back what was changed after the moment `at`.
    pub(super) fn restore(&mut self, at: u64, data: &mut BTreeMap<Name, Stored>) {
        while self.0.last().is_some_and(|(then, ..)| *then > at) {
            match self.0.pop() {
                Some((_, name, Some(before))) => drop(data.insert(name, before)),
                Some((_, name, None)) => drop(data.remove(&name)),
                None => {}
            }
        }
    }
}
