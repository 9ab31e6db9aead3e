//! A backend that breaks on demand.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, SetOptions, SetOutcome, Slot,
};
use crate::group::{Generation, Group};
use crate::key::Key;
use crate::wire::Stamp;
use crate::{Error, ErrorKind, Result};

/// What is wrong with a [`Faulty`] backend.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Operations are performed, after this long.
    Delay(Duration),
    /// Operations are performed, but their answer is lost.
    DropReply,
    /// Operations fail at once.
    Fail,
    /// `set` fails at once, as on a server that is out of memory; all else is performed.
    Full,
    /// Operations never end.
    Hang,
}

/// A backend that breaks on demand. `Clone` clones the handle.
#[derive(Clone, Debug)]
pub struct Faulty<B> {
    inner: Arc<B>,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl<B: Backend> Faulty<B> {
    /// Wraps a backend; nothing is wrong with it yet.
    pub fn new(inner: B) -> Self {
        Self { inner: Arc::new(inner), fault: Arc::default() }
    }

    /// Breaks the backend, or mends it with `None`. Operations under way are not affected.
    pub fn set_fault(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault.into();
    }

    fn fault(&self) -> Option<Fault> {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn perform<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        self.perform_or(operation, Err).await
    }

    /// Performs an operation on some keys, which fail all at once.
    async fn perform_each<T>(
        &self,
        keys: &[Key],
        operation: impl Future<Output = Vec<Result<T>>>,
    ) -> Vec<Result<T>> {
        let fail = |error: Error| keys.iter().map(|_| Err(error.clone())).collect();
        self.perform_or(operation, fail).await
    }

    async fn perform_or<T>(
        &self,
        operation: impl Future<Output = T>,
        fail: impl FnOnce(Error) -> T,
    ) -> T {
        match self.fault() {
            None | Some(Fault::Full) => operation.await,
            Some(Fault::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                operation.await
            }
            Some(Fault::DropReply) => {
                let _ = operation.await;
                std::future::pending().await
            }
            Some(Fault::Fail) => {
                fail(Error::new(ErrorKind::Backend, "this backend was told to fail"))
            }
            Some(Fault::Hang) => std::future::pending().await,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Backend> Backend for Faulty<B> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        self.perform_each(keys, self.inner.get(keys, lease)).await
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        if self.fault() == Some(Fault::Full) {
            return Err(Error::new(ErrorKind::Backend, "this backend was told to be full"));
        }
        self.perform(self.inner.set(key, entry, options)).await
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        self.perform(self.inner.holds(key, stamp)).await
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        self.perform_each(keys, self.inner.invalidate(keys, options)).await
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        self.perform(self.inner.release(key, stamp)).await
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        self.perform(self.inner.generations(groups, ttl)).await
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        self.perform(self.inner.advance(groups, options)).await
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        self.perform(self.inner.identify(all, seen)).await
    }

    fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>) {
        self.inner.listen(options, listener);
    }

    async fn ping(&self) -> Result<()> {
        self.perform(self.inner.ping()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

impl<B: Backend> fmt::Display for Faulty<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty({})", self.inner)
    }
}
