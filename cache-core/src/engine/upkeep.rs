//! What is said to a cache in use, and what it says of how it was built.

use std::sync::{Arc, PoisonError};

use tokio::task::AbortHandle;

use super::Engine;
use crate::cache::Started;
use crate::policy::{Advice, TtlTable};

impl Engine {
    pub(crate) fn advice(&self) -> Vec<Advice> {
        let server = self.remote.iter().flat_map(|remote| remote.advice());
        self.board.read().into_iter().chain(server).collect()
    }

    pub(crate) fn ttl_table(&self) -> Arc<TtlTable> {
        self.table.current()
    }

    /// Says by another table how long what is loaded from now on lives.
    pub(crate) fn set_ttl_table(&self, table: TtlTable) {
        // First: the numbers of groups must outlive what is kept by the new table.
        self.remote.iter().for_each(|remote| remote.note_ttl(table.longest()));
        self.table.replace(table, self.clock.monotonic());
    }

    pub(crate) fn reload_ttl_table(&self, text: &str) -> crate::Result<()> {
        let table = TtlTable::from_toml(text).map_err(|error| self.table.refuse(&error))?;
        self.set_ttl_table(table);
        Ok(())
    }

    /// Takes note of the list that is warmed, in the place of another.
    pub(crate) fn note_warmups(&self, started: Started, task: AbortHandle) {
        self.end_warmups(Some((started, task)));
    }

    pub(super) fn end_warmups(&self, next: Option<(Started, AbortHandle)>) {
        let mut warmups = self.warmups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, task)) = warmups.as_ref() {
            task.abort();
        }
        if next.is_some() {
            *warmups = next;
        }
    }

    /// Ends the loads that go on without their callers.
    pub(crate) fn abandon(&self) {
        self.background.end();
    }
}
