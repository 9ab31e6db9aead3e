//! The way of a loader that owns what it needs: it may go on without its caller.

use std::future::{Future, pending, ready};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use super::answer::{Answer, Sharing, Value};
use super::background::{Permit, Refusal};
use super::freshen::answered;
use super::loaded::Loaded;
use super::share::Loader;
use super::{Asked, Call, Engine, Probe};
use crate::key::Key;
use crate::policy::CallOptions;
use crate::stats::{Event, Outcome};

/// A call whose parts may outlive its caller.
pub(crate) struct Errand<E, F> {
    pub(crate) key: Key,
    pub(crate) options: CallOptions,
    pub(crate) late_tags: bool,
    pub(crate) sharing: Sharing<E>,
    pub(crate) load: F,
}

/// A task of a call; `None` if it was ended.
type Task<T> = JoinHandle<Option<T>>;

impl Engine {
    /// Answers a call. What is stale is served, and loaded again behind the caller; a load goes on
    /// when its caller has left.
    pub(crate) async fn send<V, E, F, Fut>(
        self: &Arc<Self>,
        errand: Errand<E, F>,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
        E: Send + 'static,
    {
        match self.near(&errand.key) {
            Probe::Hit(answer) => {
                if answer.is_due
                    && let Ok(permit) = self.permit_to_refresh(&errand)
                {
                    self.refresh_behind(permit, errand);
                }
                Ok(answer)
            }
            Probe::Missing => self.send_for(errand).await,
            Probe::Stale(stale) => {
                let (line, started) = (self.line(&errand.key), self.clock.monotonic());
                let answer = Ok(self.send_for_newer(errand, stale).await);
                self.note_answer(&line, started, &answer);
                answer
            }
        }
    }

    /// Has a missing value loaded by a task of its own, unless there is one for the key already, or
    /// too many.
    async fn send_for<V, E, F, Fut>(self: &Arc<Self>, errand: Errand<E, F>) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
        E: Send + 'static,
    {
        let Ok(permit) = self.permit(&errand) else {
            let Errand { key, options, late_tags, sharing, load } = errand;
            let asked = Asked { options: &options, late_tags };
            return self.fetch(&key, asked, sharing, None, load).await;
        };
        let soft = self.soft_timeout(&errand.options);
        let (key, line) = (errand.key.clone(), self.line(&errand.key));
        let started = self.clock.monotonic();
        let (first, at_hand) = oneshot::channel();
        let (_here, left) = oneshot::channel::<()>();
        let engine = Arc::clone(self);
        let work = async move { engine.run_errand(errand, first).await };
        let mut task = permit.spawn(work, async { _ = left.await });
        let result = match select(&mut task, at_hand).await {
            Either::Left((result, _)) => returned(result).await,
            // Stale, or to be refreshed: that goes on.
            Either::Right((Ok(answer), _)) => {
                Ok(self.wait_for_newer((&key, soft), answer, task).await)
            }
            Either::Right((Err(_), _)) => returned(task.await).await,
        };
        self.note_answer(&line, started, &result);
        result
    }

    /// Answers a call in its task. What is stale is told `first`, and then loaded again.
    async fn run_errand<V, E, F, Fut>(
        &self,
        errand: Errand<E, F>,
        first: oneshot::Sender<Answer<V>>,
    ) -> Result<Answer<V>, E>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let line = self.line(&errand.key);
        let Errand { key, options, late_tags, sharing, load } = errand;
        let call = Call::new(&key, Asked { options: &options, late_tags }, &line);
        if key.is_too_long() {
            return self.bypass(call, load).await;
        }
        let loader = Loader::new(load);
        let answer = self.fly(call, &sharing, &loader).await?;
        if !answer.is_due || self.is_resting(call.key) {
            return Ok(answer);
        }
        // Nobody is there if the caller has left.
        _ = first.send(answer.clone());
        let newer = self.refresh_alone(call, &loader).await;
        Ok(newer.unwrap_or(answer))
    }

    /// Serves a stale value, or a newer one if that comes in time.
    async fn send_for_newer<V, E, F, Fut>(
        self: &Arc<Self>,
        errand: Errand<E, F>,
        stale: Arc<V>,
    ) -> Answer<V>
    where
        V: Value,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
        E: Send + 'static,
    {
        let stale = Answer::new(stale, Outcome::Stale);
        let soft = self.soft_timeout(&errand.options);
        let permit = self.permit_to_refresh(&errand);
        if soft.is_zero() && matches!(permit, Err(Refusal::Full | Refusal::Running)) {
            return stale;
        }
        // Another's refresh is waited for, or made if it has not begun yet. Once nothing goes on behind
        // callers any more, one of them waits in any case.
        let Ok(permit) = permit else {
            let line = self.line(&errand.key);
            let Errand { key, options, late_tags, load, .. } = errand;
            let call = Call::new(&key, Asked { options: &options, late_tags }, &line);
            return self.freshen(call, stale.value, &Loader::new(load)).await;
        };
        let key = errand.key.clone();
        let task = self.refresh_behind(permit, errand);
        if soft.is_zero() {
            return stale;
        }
        let Ok(newer) = timeout(soft, task).await else {
            self.note_soft_timeout(&key);
            return stale;
        };
        newer.ok().flatten().flatten().unwrap_or(stale)
    }

    async fn wait_for_newer<V: Value, E>(
        &self,
        (key, soft): (&Key, Duration),
        answer: Answer<V>,
        task: Task<Result<Answer<V>, E>>,
    ) -> Answer<V> {
        if answer.outcome != Outcome::Stale || soft.is_zero() {
            return answer;
        }
        match timeout(soft, task).await {
            Ok(Ok(Some(Ok(newer)))) => newer,
            Ok(_) => answer,
            Err(_) => {
                self.note_soft_timeout(key);
                answer
            }
        }
    }

    /// Returns the right to have a value loaded again, unless that is under way already, there are
    /// too many, or its loads fail.
    fn permit_to_refresh<E, F>(&self, errand: &Errand<E, F>) -> Result<Permit, Refusal> {
        let is_resting = self.is_resting(&errand.key);
        if is_resting { Err(Refusal::Running) } else { self.permit(errand) }
    }

    /// Has a value loaded again by a task of its own.
    fn refresh_behind<V, E, F, Fut>(
        self: &Arc<Self>,
        permit: Permit,
        errand: Errand<E, F>,
    ) -> Task<Option<Answer<V>>>
    where
        V: Value,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
        E: Send + 'static,
    {
        let engine = Arc::clone(self);
        let work = async move {
            let line = engine.line(&errand.key);
            let Errand { key, options, late_tags, load, .. } = errand;
            let call = Call::new(&key, Asked { options: &options, late_tags }, &line);
            engine.refresh_alone(call, &Loader::new(load)).await
        };
        permit.spawn(work, ready(()))
    }

    /// Loads a value again, if nobody else does, and tells what came of it.
    async fn refresh_alone<V, E, F, Fut>(
        &self,
        call: Call<'_>,
        loader: &Loader<F>,
    ) -> Option<Answer<V>>
    where
        V: Value,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Loaded<V>, E>> + Send,
        E: Send,
    {
        let seat = self.refreshes.join::<V>(call.key, call.late_tags, &self.fences);
        let snapshot = Arc::clone(seat.snapshot());
        let lead = || async move { self.refresh(call, snapshot, loader).await };
        answered(seat.land(lead).await)
    }

    fn permit<E, F>(&self, errand: &Errand<E, F>) -> Result<Permit, Refusal> {
        let permit = self.background.admit(errand.key.local_hash());
        if matches!(permit, Err(Refusal::Full)) {
            self.note(Event::BackgroundRefused);
        }
        permit
    }
}

/// Returns what a task that somebody waited for returned; its panic is the waiting caller's own.
///
/// A task that is ended with its runtime returns nothing: nor does this.
async fn returned<V, E>(
    result: Result<Option<Result<Answer<V>, E>>, JoinError>,
) -> Result<Answer<V>, E> {
    match result {
        Ok(Some(result)) => result,
        // It does not end by itself while its caller waits.
        Ok(None) => pending().await,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => pending().await,
        },
    }
}
