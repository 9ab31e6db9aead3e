//! The source of truth: rows whose versions only grow.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;

/// Rows whose versions only grow.
#[derive(Debug)]
pub enum Truth {
    /// In this process.
    Here(Vec<AtomicU64>),
    /// On a server of its own, for several processes.
    There(MultiplexedConnection),
}

impl Truth {
    /// Creates `rows` rows in this process.
    pub fn here(rows: usize) -> Self {
        Self::Here((0..rows).map(|_| AtomicU64::new(0)).collect())
    }

    /// Uses the rows of the server at `url`.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    pub async fn there(url: &str) -> Self {
        Self::There(super::connect(url).await)
    }

    /// Returns the version of a row.
    ///
    /// # Panics
    ///
    /// If the source is away.
    pub async fn read(&self, row: usize) -> u64 {
        match self {
            Self::Here(rows) => rows[row].load(Ordering::SeqCst),
            Self::There(connection) => {
                let version: Option<u64> =
                    connection.clone().get(name(row)).await.expect("the source answers");
                version.unwrap_or_default()
            }
        }
    }

    /// Changes a row, and returns its new version.
    ///
    /// # Panics
    ///
    /// If the source is away.
    pub async fn edit(&self, row: usize) -> u64 {
        match self {
            Self::Here(rows) => rows[row].fetch_add(1, Ordering::SeqCst) + 1,
            Self::There(connection) => {
                connection.clone().incr(name(row), 1).await.expect("the source answers")
            }
        }
    }
}

fn name(row: usize) -> String {
    format!("row:{row}")
}
