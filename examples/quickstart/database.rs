//! The truth: a `SQLite` file, with every query counted.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use rusqlite::{Connection, Row, params};
use tokio::task::spawn_blocking;

use crate::model::{Conversation, Hit, Kind, Plan, Profile};

/// Connections that read at the same time. `SQLite` has one writer, so it gets one more.
const READERS: usize = 4;

/// How many hits are on a page.
const PAGE: u32 = 10;

/// The database. `Clone` clones the handle.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readers: Vec<Mutex<Connection>>,
    turn: AtomicUsize,
    writer: Mutex<Connection>,
    queries: [AtomicU64; Kind::ALL.len()],
}

impl Database {
    /// Opens a file that [`fill`](crate::fill::fill) has made.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let readers = (0..READERS).map(|_| connect(path)).collect::<Result<_>>()?;
        let (turn, queries) = Default::default();
        let inner = Inner { readers, turn, writer: connect(path)?, queries };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the number of queries so far, of the given kind.
    pub(crate) fn queries(&self, kind: Kind) -> u64 {
        self.inner.queries[kind as usize].load(Ordering::Relaxed)
    }

    pub(crate) async fn plan(&self, user: u32) -> Result<Plan> {
        let sql = "SELECT plan FROM users WHERE id = ?";
        self.read(Kind::Plan, move |db| db.prepare_cached(sql)?.query_row([user], |row| row.get(0)))
            .await
    }

    pub(crate) async fn profile(&self, user: u32) -> Result<Profile> {
        let sql = "SELECT name, email, edits FROM users WHERE id = ?";
        self.read(Kind::Profile, move |db| db.prepare_cached(sql)?.query_row([user], profile)).await
    }

    pub(crate) async fn conversations(&self, user: u32) -> Result<Vec<Conversation>> {
        let sql = "SELECT id, title, messages FROM conversations WHERE user = ? ORDER BY id DESC";
        self.read(Kind::Conversations, move |db| {
            db.prepare_cached(sql)?.query_map([user], conversation)?.collect()
        })
        .await
    }

    /// Finds users whose name begins with `prefix`; `None` if there is nobody.
    pub(crate) async fn search(&self, prefix: &str, page: u32) -> Result<Option<Vec<Hit>>> {
        let sql =
            "SELECT id, name FROM users WHERE name LIKE ?||'%' ORDER BY name LIMIT ? OFFSET ?";
        let prefix = prefix.to_owned();
        let hits: Vec<Hit> = self
            .read(Kind::Search, move |db| {
                let page = params![prefix, PAGE, page * PAGE];
                db.prepare_cached(sql)?.query_map(page, hit)?.collect()
            })
            .await?;
        Ok(Some(hits).filter(|hits| !hits.is_empty()))
    }

    /// Changes a name and returns how often the profile was edited.
    pub(crate) async fn rename(&self, user: u32, name: &str) -> Result<u32> {
        let sql = "UPDATE users SET name = ?, edits = edits + 1 WHERE id = ? RETURNING edits";
        let name = name.to_owned();
        self.write(move |db| {
            db.prepare_cached(sql)?.query_row(params![name, user], |row| row.get(0))
        })
        .await
    }

    pub(crate) async fn change_plan(&self, user: u32, plan: Plan) -> Result<()> {
        let sql = "UPDATE users SET plan = ? WHERE id = ?";
        self.write(move |db| db.prepare_cached(sql)?.execute(params![plan, user])).await?;
        Ok(())
    }

    /// Adds a message to the user's latest conversation.
    pub(crate) async fn send(&self, user: u32) -> Result<()> {
        let sql = "UPDATE conversations SET messages = messages + 1
                   WHERE id = (SELECT max(id) FROM conversations WHERE user = ?)";
        self.write(move |db| db.prepare_cached(sql)?.execute([user])).await?;
        Ok(())
    }

    async fn read<T, Q>(&self, kind: Kind, query: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed);
        self.query(kind, move |inner| query_on(&inner.readers[turn % READERS], query)).await
    }

    async fn write<T, Q>(&self, query: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.query(Kind::Write, move |inner| query_on(&inner.writer, query)).await
    }

    async fn query<T, Q>(&self, kind: Kind, query: Q) -> Result<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Inner) -> rusqlite::Result<T> + Send + 'static,
    {
        self.inner.queries[kind as usize].fetch_add(1, Ordering::Relaxed);
        let inner = Arc::clone(&self.inner);
        Ok(spawn_blocking(move || query(&inner)).await??)
    }
}

fn query_on<T>(
    connection: &Mutex<Connection>,
    query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    query(&connection.lock().unwrap_or_else(PoisonError::into_inner))
}

fn connect(path: &Path) -> Result<Mutex<Connection>> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(Mutex::new(connection))
}

fn profile(row: &Row<'_>) -> rusqlite::Result<Profile> {
    Ok(Profile { name: row.get(0)?, email: row.get(1)?, edits: row.get(2)? })
}

fn conversation(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation { id: row.get(0)?, title: row.get(1)?, messages: row.get(2)? })
}

fn hit(row: &Row<'_>) -> rusqlite::Result<Hit> {
    Ok(Hit { user: row.get(0)?, name: row.get(1)? })
}
