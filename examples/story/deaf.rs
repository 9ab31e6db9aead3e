//! A backend that does not pass on what others change.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cache_aside::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, SetOptions, SetOutcome, Slot,
};
use cache_aside::wire::Stamp;
use cache_aside::{Generation, Group, Key, RedisBackend, Result};

/// Redis without its news, as caches have it that only know `GET` and `SET`.
#[derive(Debug)]
pub(crate) struct Deaf(pub(crate) RedisBackend);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for Deaf {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        self.0.get(keys, lease).await
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        self.0.set(key, entry, options).await
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        self.0.holds(key, stamp).await
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        self.0.invalidate(keys, options).await
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        self.0.release(key, stamp).await
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        self.0.generations(groups, ttl).await
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        self.0.advance(groups, options).await
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        self.0.identify(all, seen).await
    }

    fn listen(&self, _options: &ListenOptions, _listener: Weak<dyn Listener>) {}

    async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

impl fmt::Display for Deaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deaf({})", self.0)
    }
}
