//! Entries in Redis.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cache_core::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, SetMode, SetOptions, SetOutcome, Slot, Tombstone,
};
use cache_core::wire::Stamp;
use cache_core::{Generation, Group, Key};
use redis::{Pipeline, Value, cmd};

use crate::config::RedisConfig;
use crate::error::{lost, unexpected};
use crate::script::{FILL, RELEASE};
use crate::servers::{Answer, Purpose, Servers};
use crate::{Error, ErrorKind, Result, identity, numbers, reads, reply, ttl};

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
    servers: Arc<Servers>,
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
        Ok(Self { servers: Arc::new(Servers::new(config)?) })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for RedisBackend {
    fn capabilities(&self) -> Capabilities {
        match self.servers.has_replicas() {
            true => Capabilities::shared().lagging(),
            false => Capabilities::shared(),
        }
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        reads::slots(&self.servers, keys, lease).await
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        if entry.len() > Self::MAX_ENTRY {
            return Err(too_large(entry.len()));
        }
        let ttl = ttl::milliseconds(options.ttl);
        match options.mode {
            SetMode::Always => {
                let mut set = cmd("SET");
                set.arg(key.as_bytes()).arg(&entry[..]).arg("PX").arg(ttl);
                reply::performed(&[self.servers.ask_one(set).await?.value])?;
                Ok(SetOutcome::Stored)
            }
            SetMode::IfStamp(stamp) => {
                let ttl = ttl.to_string();
                FILL.run(&self.servers, (key, &stamp), &[&entry, ttl.as_bytes()]).await
            }
        }
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        let mut read = cmd("GETRANGE");
        read.arg(key.as_bytes()).arg(0).arg(Stamp::LEN - 1);
        match self.servers.ask_one(read).await?.value {
            Value::BulkString(stored) => Ok(stored == stamp.as_bytes()),
            answer if reply::is_refused(&answer, reply::WRONG_TYPE) => Ok(false),
            answer => Err(unexpected(&answer)),
        }
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        if keys.is_empty() {
            return Vec::new();
        }
        let together = self.servers.are_one();
        let commands = match &options.hold {
            None => deletes(keys, together),
            Some(hold) => holds(keys, hold),
        };
        let answers = self.servers.ask(&commands, Purpose::Other).await;
        let mut results: Vec<_> = answers.into_iter().map(performed).collect();
        if results.len() < keys.len() {
            results = vec![results.pop().unwrap_or_else(|| Err(lost())); keys.len()];
        }
        results
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        RELEASE.run(&self.servers, (key, stamp), &[]).await.map(|_| ())
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        numbers::read_or_create(&self.servers, groups, ttl).await
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        if groups.is_empty() {
            return Ok(());
        }
        numbers::advance(&self.servers, groups, options).await
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        identity::identify(&self.servers, all, seen).await
    }

    fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>) {
        self.servers.listen(options, listener);
    }

    async fn ping(&self) -> Result<()> {
        self.servers.ping().await
    }

    async fn close(&self) {
        self.servers.close().await;
    }
}

impl fmt::Display for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.servers.fmt(f)
    }
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn performed(answer: Result<Answer>) -> Result<()> {
    reply::performed(&[answer?.value])
}

/// Removes keys: in one command, or in one for each where they may be on different nodes.
fn deletes(keys: &[Key], together: bool) -> Pipeline {
    let mut commands = Pipeline::new();
    for keys in keys.chunks(if together { keys.len() } else { 1 }) {
        let delete = commands.cmd("DEL");
        keys.iter().for_each(|key| {
            delete.arg(key.as_bytes());
        });
    }
    commands
}

/// Puts a tombstone in the place of each key.
fn holds(keys: &[Key], hold: &Tombstone) -> Pipeline {
    let mut commands = Pipeline::with_capacity(keys.len());
    for key in keys {
        let command = commands.cmd("SET").arg(key.as_bytes()).arg(hold.stamp.as_bytes());
        command.arg("PX").arg(ttl::milliseconds(hold.ttl));
    }
    commands
}

fn too_large(length: usize) -> Error {
    let limit = RedisBackend::MAX_ENTRY;
    let text = format!("an entry of {length} bytes is over the limit of {limit}: cache less of it");
    Error::new(ErrorKind::InvalidInput, text)
}
