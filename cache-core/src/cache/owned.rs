//! Calls whose loaders may go on without them.

use std::future::Future;
use std::sync::Arc;

use tokio::time::timeout;

use super::Cache;
use crate::engine::answer::{Answer, Sharing, Value};
use crate::engine::loaded::Loaded;
use crate::engine::owned::Errand;
use crate::key::Key;
use crate::policy::CallOptions;
use crate::{Error, ErrorKind};

/// For loaders that own what they need (`'static`): a load then need not end with its caller.
///
/// What is stale is served at once and loaded again behind the caller; what soon will be is loaded
/// before it is (`refresh_ahead`); a load that takes too long for its caller goes on, for
/// `background_timeout` at most, and is kept. There is one for each key at a time, and no more than
/// `background_limit`; beyond that stale values wait to be refreshed, and loads end with their callers.
///
/// The loaders run in tasks of their own, in the caller's `tracing` span. They need a tokio runtime;
/// without one these methods do as those without `'static`.
impl Cache {
    /// As [`get_or_load`](Self::get_or_load), for a loader that owns what it needs.
    ///
    /// ```text
    /// let db = db.clone();
    /// let profile = cache.get_or_refresh(&key, move || async move { db.load_profile(42).await }).await?;
    /// ```
    ///
    /// # Cancellation
    ///
    /// Dropping the future does not drop the loader: what it loads is kept.
    ///
    /// # Errors
    ///
    /// Those of `load`, no others.
    pub async fn get_or_refresh<V, E, F, Fut>(&self, key: &Key, load: F) -> Result<Arc<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
        E: Send + 'static,
    {
        let load = || async { load().await.map(Loaded::new) };
        let options = CallOptions::table();
        Ok(self.engine.send(errand(key, &options, false, load)).await?.value)
    }

    /// As [`fetch_loaded`](Self::fetch_loaded), for a loader that owns what it needs.
    ///
    /// # Cancellation
    ///
    /// As [`get_or_refresh`](Self::get_or_refresh).
    ///
    /// # Errors
    ///
    /// Those of `load`, no others.
    pub async fn fetch_owned<V, E, F, Fut>(
        &self,
        key: &Key,
        options: &CallOptions,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
        E: Send + 'static,
    {
        self.engine.send(errand(key, options, true, load)).await
    }

    /// As [`fetch_owned`](Self::fetch_owned), and waits no longer than `hard_timeout`. The load goes
    /// on, and is kept for the next caller.
    ///
    /// # Errors
    ///
    /// Those of `load`, and one of [`ErrorKind::Timeout`] after the time that the options or the
    /// settings give, if either does.
    pub async fn fetch_within<V, E, F, Fut>(
        &self,
        key: &Key,
        options: &CallOptions,
        load: F,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let answer = self.fetch_owned(key, options, load);
        let Some(hard) = self.engine.hard_timeout(options) else { return answer.await };
        timeout(hard, answer).await.unwrap_or_else(|_| {
            self.engine.note_hard_timeout(key, hard);
            let text = "the loader has not answered within `hard_timeout`; it goes on, and what it \
                        loads is kept";
            Err(Error::new(ErrorKind::Timeout, text).into())
        })
    }
}

fn errand<E, F>(key: &Key, options: &CallOptions, late_tags: bool, load: F) -> Errand<E, F> {
    Errand { key: key.clone(), options: *options, late_tags, sharing: Sharing::NONE, load }
}
