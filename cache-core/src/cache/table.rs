//! The TTL table of a running cache.

use std::sync::Arc;

use super::Cache;
use crate::Result;
use crate::policy::TtlTable;

/// Another TTL table at run time.
///
/// It says how long what is loaded from then on lives. What is cached already keeps its life: end it
/// with [`invalidate_entity`](Cache::invalidate_entity) and the like where a shorter TTL must hold at
/// once. No call waits for it; calls under way go by either table.
impl Cache {
    /// Returns the TTL table in use.
    pub fn ttl_table(&self) -> Arc<TtlTable> {
        self.engine.ttl_table()
    }

    /// Puts `table` in the place of the one in use, for this instance.
    pub fn set_ttl_table(&self, table: TtlTable) {
        self.engine.set_ttl_table(table);
    }

    /// As [`set_ttl_table`](Self::set_ttl_table), from TOML.
    ///
    /// # Errors
    ///
    /// As [`TtlTable::from_toml`]. The table in use stays, and
    /// [`TableHealth::problem`](crate::TableHealth::problem) says why until the next one is used.
    pub fn reload_ttl_table(&self, text: &str) -> Result<()> {
        self.engine.reload_ttl_table(text)
    }
}
