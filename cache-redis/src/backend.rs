//! Entries in Redis.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cache_core::backend::{
    AdvanceOptions, Backend, Capabilities, InvalidateOptions, LeaseRequest, ListenOptions,
    Listener, SetMode, SetOptions, SetOutcome, Slot,
};
use cache_core::wire::Stamp;
use cache_core::{Generation, Group, Key};
use redis::{Cmd, Pipeline, Value, cmd};

use crate::config::RedisConfig;
use crate::dial::Dialer;
use crate::error::unexpected;
use crate::link::Link;
use crate::news::Feed;
use crate::script::{FILL, RELEASE};
use crate::supervisor::Supervisor;
use crate::{Error, ErrorKind, Result, numbers, reply, ttl};

/// Stores entries in Redis or Valkey.
///
/// All calls share one connection, opened at the first of them; the task that keeps it lives on the
/// runtime of that call. While there is no connection, calls fail at once with the reason, and
/// another is opened in the background for as long as it takes. `Clone` clones the handle; the
/// connection ends with the last one.
///
/// A server that is full and evicts nothing still serves: what is found is returned, what is
/// missing is [`Slot::Missing`] instead of [`Slot::Leased`]. So does one that refuses scripts.
///
/// `Debug` and `Display` show host, port and database, never credentials.
#[derive(Clone)]
pub struct RedisBackend {
    supervisor: Arc<Supervisor>,
}

impl RedisBackend {
    /// The largest entry, in bytes.
    ///
    /// One that is larger holds up everybody else's answers on the connection.
    pub const MAX_ENTRY: usize = 64 << 20;

    /// Creates a backend from a URL, as [`RedisConfig::new`] reads it. Does not connect.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the URL cannot be used.
    pub fn new(url: &str) -> Result<Self> {
        Self::with_config(RedisConfig::new(url)?)
    }

    /// Creates a backend. Does not connect; for TLS, reads the system's certificates if it needs
    /// them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if settings contradict each other or a certificate cannot be read.
    pub fn with_config(config: RedisConfig) -> Result<Self> {
        let supervisor = Supervisor::new(Dialer::new(config)?);
        Ok(Self { supervisor: Arc::new(supervisor) })
    }

    async fn link(&self) -> Result<Link> {
        self.supervisor.link().await
    }

    async fn slots(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Result<Vec<Result<Slot>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let link = self.link().await?;
        let Some(lease) = lease else { return look(&link, keys, None).await };
        let answers = match link.ask(&take(keys, lease)).await {
            // No leases without the right to fill them.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                return look(&link, keys, Some(lease)).await;
            }
            answers => answers?,
        };
        let is_full = answers.iter().any(reply::is_full);
        self.note_full(&link, is_full);
        if is_full {
            return look(&link, keys, Some(lease)).await;
        }
        Ok(answers.into_iter().map(|answer| reply::slot(answer, Some(lease))).collect())
    }

    async fn end(&self, keys: &[Key], options: &InvalidateOptions) -> Result<Vec<Result<()>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = Pipeline::with_capacity(keys.len());
        match options.hold {
            None => commands.add_command(delete(keys)).ignore(),
            Some(hold) => keys.iter().fold(&mut commands, |all, key| {
                let command = all.cmd("SET").arg(key.as_bytes()).arg(hold.stamp.as_bytes());
                command.arg("PX").arg(ttl::milliseconds(hold.ttl))
            }),
        };
        let answers = self.link().await?.ask(&commands).await?;
        reply::performed(&answers)?;
        Ok(keys.iter().map(|_| Ok(())).collect())
    }

    /// Logs that the server is full, and that it no longer is.
    fn note_full(&self, link: &Link, is_full: bool) {
        match (link.note_full(is_full), is_full) {
            (true, true) => tracing::warn!(server = %self, "full: writes are refused (OOM)"),
            (true, false) => tracing::info!(server = %self, "no longer full"),
            (false, _) => {}
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for RedisBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities::shared()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        each(keys, self.slots(keys, lease).await)
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        if entry.len() > Self::MAX_ENTRY {
            return Err(too_large(entry.len()));
        }
        let link = self.link().await?;
        let ttl = ttl::milliseconds(options.ttl);
        match options.mode {
            SetMode::Always => {
                let mut set = cmd("SET");
                set.arg(key.as_bytes()).arg(&entry[..]).arg("PX").arg(ttl);
                reply::performed(&[link.ask_one(set).await?])?;
                Ok(SetOutcome::Stored)
            }
            SetMode::IfStamp(stamp) => {
                let ttl = ttl.to_string();
                Ok(match FILL.run(&link, (key, &stamp), &[&entry, ttl.as_bytes()]).await? {
                    false => SetOutcome::Refused,
                    true if link.is_listening() => SetOutcome::Echoed,
                    true => SetOutcome::Stored,
                })
            }
        }
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        let mut read = cmd("GETRANGE");
        read.arg(key.as_bytes()).arg(0).arg(Stamp::LEN - 1);
        match self.link().await?.ask_one(read).await? {
            Value::BulkString(stored) => Ok(stored == stamp.as_bytes()),
            answer if reply::is_refused(&answer, reply::WRONG_TYPE) => Ok(false),
            answer => Err(unexpected(&answer)),
        }
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        each(keys, self.end(keys, options).await)
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        RELEASE.run(&self.link().await?, (key, stamp), &[]).await.map(|_| ())
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        numbers::read_or_create(&self.link().await?, groups, ttl).await
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        if groups.is_empty() {
            return Ok(());
        }
        numbers::advance(&self.link().await?, groups, options).await
    }

    fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>) {
        self.supervisor.dialer().listen(Feed::new(options.clone(), listener));
    }

    async fn ping(&self) -> Result<()> {
        reply::performed(&[self.link().await?.ask_one(cmd("PING")).await?])
    }

    async fn close(&self) {
        self.supervisor.close().await;
    }
}

impl fmt::Display for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.supervisor.dialer().endpoint.fmt(f)
    }
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes the leases of what is missing, and reads the rest.
fn take(keys: &[Key], lease: &LeaseRequest) -> Pipeline {
    let mut commands = Pipeline::with_capacity(keys.len());
    for key in keys {
        let command = commands.cmd("SET").arg(key.as_bytes()).arg(lease.stamp.as_bytes());
        command.arg("NX").arg("GET").arg("PX").arg(ttl::milliseconds(lease.ttl));
    }
    commands
}

/// Reads without taking leases. Not by `MGET`, to which a stranger's list is the same as nothing.
async fn look(
    link: &Link,
    keys: &[Key],
    lease: Option<&LeaseRequest>,
) -> Result<Vec<Result<Slot>>> {
    let mut commands = Pipeline::with_capacity(keys.len());
    for key in keys {
        commands.cmd("GET").arg(key.as_bytes());
    }
    let slot = |answer| match answer {
        Value::Nil => Ok(Slot::Missing),
        answer => reply::slot(answer, lease),
    };
    Ok(link.ask(&commands).await?.into_iter().map(slot).collect())
}

fn delete(keys: &[Key]) -> Cmd {
    let mut delete = cmd("DEL");
    keys.iter().for_each(|key| {
        delete.arg(key.as_bytes());
    });
    delete
}

/// Gives every key its answer, or all of them the reason why there is none.
fn each<T>(keys: &[Key], answers: Result<Vec<Result<T>>>) -> Vec<Result<T>> {
    answers.unwrap_or_else(|error| keys.iter().map(|_| Err(error.clone())).collect())
}

fn too_large(length: usize) -> Error {
    let limit = RedisBackend::MAX_ENTRY;
    let text = format!("an entry of {length} bytes is over the limit of {limit}: cache less of it");
    Error::new(ErrorKind::InvalidInput, text)
}
