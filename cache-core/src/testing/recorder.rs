//! A backend that notes what is asked of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;
use crate::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, SetOptions, SetOutcome, Slot,
};
use crate::group::{Generation, Group};
use crate::key::Key;
use crate::wire::Stamp;

/// A call of a [`Backend`] method.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Operation {
    /// `advance`
    Advance,
    /// `close`
    Close,
    /// `generations`
    Generations,
    /// `get`
    Get,
    /// `holds`
    Holds,
    /// `identify`
    Identify,
    /// `invalidate`
    Invalidate,
    /// `ping`
    Ping,
    /// `release`
    Release,
    /// `set`
    Set,
}

/// A backend that notes what is asked of another. `Clone` clones the handle.
#[derive(Clone, Debug)]
pub struct Recorder<B> {
    inner: Arc<B>,
    log: Arc<Mutex<Vec<Operation>>>,
}

impl<B: Backend> Recorder<B> {
    /// Wraps a backend.
    pub fn new(inner: B) -> Self {
        Self { inner: Arc::new(inner), log: Arc::default() }
    }

    /// Returns the operations since the last call, oldest first.
    pub fn take(&self) -> Vec<Operation> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, operation: Operation) -> &B {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
        &self.inner
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Backend> Backend for Recorder<B> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        self.note(Operation::Get).get(keys, lease).await
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        self.note(Operation::Set).set(key, entry, options).await
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        self.note(Operation::Holds).holds(key, stamp).await
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        self.note(Operation::Invalidate).invalidate(keys, options).await
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        self.note(Operation::Release).release(key, stamp).await
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        self.note(Operation::Generations).generations(groups, ttl).await
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        self.note(Operation::Advance).advance(groups, options).await
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        self.note(Operation::Identify).identify(all, seen).await
    }

    fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>) {
        self.inner.listen(options, listener);
    }

    async fn ping(&self) -> Result<()> {
        self.note(Operation::Ping).ping().await
    }

    async fn close(&self) {
        self.note(Operation::Close).close().await;
    }
}

impl<B: Backend> fmt::Display for Recorder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recorder({})", self.inner)
    }
}
