//! Building a cache: settings are checked, components put together.

use std::sync::Arc;

use super::Cache;
use crate::backend::Backend;
use crate::clock::{Clock, SystemClock};
use crate::codec::{Bincode, Codec};
use crate::engine::{Engine, Parts};
use crate::key::KeyWriter;
use crate::level::near::Near;
use crate::policy::{Settings, TtlTable};
use crate::stats::Observer;
use crate::{Error, ErrorKind, Result};

/// The longest namespace, in bytes of its escaped text. It stands at the front of every key.
const MAX_NAMESPACE: usize = 64;

/// Makes a [`Cache`].
#[derive(Debug)]
pub struct CacheBuilder {
    namespace: String,
    parts: Parts,
}

impl CacheBuilder {
    /// The most observers. Each costs every near hit a call.
    pub const MAX_OBSERVERS: usize = 8;

    pub(super) fn new(namespace: &str) -> Self {
        let parts = Parts {
            near: None,
            remote: None,
            codec: Arc::new(Bincode),
            clock: Arc::new(SystemClock),
            table: TtlTable::new(),
            settings: Settings::default(),
            observers: Vec::new(),
        };
        Self { namespace: namespace.to_owned(), parts }
    }

    /// Sets how long answers live, by tier and entity.
    #[must_use]
    pub fn ttl_table(mut self, table: TtlTable) -> Self {
        self.parts.table = table;
        self
    }

    /// Keeps decoded values in this process.
    #[must_use]
    pub fn near(mut self, near: impl Near) -> Self {
        self.parts.near = Some(Arc::new(near));
        self
    }

    /// Shares entries with other instances, through Redis or whatever `backend` is.
    #[must_use]
    pub fn remote(self, backend: impl Backend) -> Self {
        self.remote_arc(Arc::new(backend))
    }

    /// As [`remote`](Self::remote), for a backend that something else holds too.
    #[must_use]
    pub fn remote_arc(mut self, backend: Arc<dyn Backend>) -> Self {
        self.parts.remote = Some(backend);
        self
    }

    /// Sets how values become bytes; [`Bincode`] if not called.
    #[must_use]
    pub fn codec(mut self, codec: impl Codec) -> Self {
        self.parts.codec = Arc::new(codec);
        self
    }

    /// Sets limits and time-outs.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.parts.settings = settings;
        self
    }

    /// Sets where the time comes from, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts.clock = clock;
        self
    }

    /// Has an observer told what happens. Each call adds one, up to
    /// [`MAX_OBSERVERS`](Self::MAX_OBSERVERS).
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.parts.observers.push(Arc::new(observer));
        self
    }

    /// Builds the cache. Nothing connects yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the setting, if the namespace is empty or too long, a setting
    /// is out of bounds or contradicts another, there is neither a near nor a remote level, or there
    /// are too many observers.
    pub fn build(self) -> Result<Cache> {
        let prefix = prefix(&self.namespace)?;
        self.parts.settings.check()?;
        if self.parts.near.is_none() && self.parts.remote.is_none() {
            let text = "a cache has a near level, a remote level or both: call `near` or `remote`";
            return Err(Error::new(ErrorKind::Config, text));
        }
        if self.parts.settings.hold.is_some() && self.parts.remote.is_none() {
            let text = "`hold` needs a remote level, which keeps the tombstones: call `remote`, or \
                        leave `hold` out";
            return Err(Error::new(ErrorKind::Config, text));
        }
        if self.parts.observers.len() > Self::MAX_OBSERVERS {
            let text = format!("there are more than {} observers", Self::MAX_OBSERVERS);
            return Err(Error::new(ErrorKind::Config, text));
        }
        Ok(Cache::new(Arc::new(Engine::new(&prefix, self.parts)), &prefix))
    }
}

pub(crate) fn prefix(namespace: &str) -> Result<Vec<u8>> {
    if namespace.is_empty() {
        let text = "the namespace is empty: name the application, such as \"atlas\"";
        return Err(Error::new(ErrorKind::Config, text));
    }
    let mut text = KeyWriter::new();
    text.name(namespace);
    if text.is_too_long() || text.len() > MAX_NAMESPACE {
        let text = format!("the namespace is longer than {MAX_NAMESPACE} bytes");
        return Err(Error::new(ErrorKind::Config, text));
    }
    text.mark(b':');
    Ok(text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_of_any_length_is_a_prefix_or_refused() {
        for length in [1, 64, 65, 1024, 1025, 64 << 10] {
            let namespace = "x".repeat(length);
            let prefix = prefix(&namespace).ok();
            let expected = (length <= 64).then(|| format!("{namespace}:").into_bytes());
            assert_eq!(prefix, expected, "{length} bytes");
        }
    }
}
