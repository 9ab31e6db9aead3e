//! One connection, and what tells whether it still works.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cache_core::Advice;
use cache_core::backend::News;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, Value, cmd};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::error::{is_about_scripts, late, lost, no_scripts, refusal, rights_changed, silent};
use crate::news::{Feed, Hearing};
use crate::{Error, Result, rights};

/// One connection, shared by all callers.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    wire: MultiplexedConnection,
    health: Arc<Health>,
    response_timeout: Duration,
    hearing: Hearing,
    /// Who the server is; empty if it does not say.
    name: Arc<str>,
    /// What is known to go wrong with how the server is set up.
    advice: Option<Advice>,
    /// Where to publish what we change, if the server does not tell by itself.
    herald: Option<Arc<Feed>>,
    may_script: bool,
}

/// What calls found out about a connection.
#[derive(Debug, Default)]
struct Health {
    /// Calls given up without an answer since the last answer.
    unanswered: AtomicU32,
    /// Why the connection must be replaced.
    verdict: OnceLock<Error>,
    alarm: Notify,
    is_full: AtomicBool,
}

impl Link {
    /// How long a silent server gets for a `PING` before the connection is replaced. A server that
    /// takes longer is of no use as a cache.
    const PROBE: Duration = Duration::from_millis(250);

    pub(crate) fn new(wire: MultiplexedConnection, response_timeout: Duration) -> Self {
        Self {
            wire,
            health: Arc::default(),
            response_timeout,
            hearing: Hearing::Nothing,
            name: Arc::default(),
            advice: None,
            herald: None,
            may_script: true,
        }
    }

    /// Returns this link as one to the server of this name.
    pub(crate) fn named(mut self, name: String) -> Self {
        self.name = name.into();
        self
    }

    /// Returns this link as one to a server that is set up like that.
    pub(crate) fn advised(mut self, advice: Option<Advice>) -> Self {
        self.advice = advice;
        self
    }

    /// Returns this link as one that tells what others change.
    pub(crate) fn listening(mut self) -> Self {
        self.hearing = Hearing::Everything;
        self
    }

    /// Returns this link as one that tells what other instances publish.
    pub(crate) fn subscribed(mut self) -> Self {
        self.hearing = Hearing::Published;
        self
    }

    /// Returns this link as one that publishes what it changes.
    pub(crate) fn publishing(mut self, herald: Arc<Feed>) -> Self {
        self.herald = Some(herald);
        self
    }

    /// Returns this link as one over which no scripts may run. It takes no leases: nobody could fill
    /// or give them back, and others would wait for that.
    pub(crate) fn without_scripts(mut self) -> Self {
        self.may_script = false;
        self
    }

    /// Returns who the server is; nothing if it does not say.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what is known to go wrong with how the server is set up.
    pub(crate) fn advice(&self) -> Option<&Advice> {
        self.advice.as_ref()
    }

    /// Returns what this connection tells.
    pub(crate) fn hearing(&self) -> Hearing {
        self.hearing
    }

    /// Whether this connection tells what others change, and echoes what our scripts write.
    pub(crate) fn is_listening(&self) -> bool {
        self.hearing == Hearing::Everything
    }

    /// Tells that the server answers, until it has not for as long as `feed` says, or until it allows
    /// what it refused when the connection was made.
    pub(crate) async fn watch(&self, feed: &Feed) -> Error {
        let pause = feed.max_silence() / 2;
        loop {
            sleep(pause).await;
            let mut wire = self.wire.clone();
            let answer = timeout(pause, wire.send_packed_command(&cmd("PING"))).await;
            if answer.is_err() {
                return silent();
            }
            feed.tell(News::Alive);
            if !self.may_script && self.refusal_of_scripts(feed).await.is_ok_and(|it| it.is_none())
            {
                return rights_changed();
            }
        }
    }

    /// Asks whether scripts may run; if not, returns the code of the refusal.
    pub(crate) async fn refusal_of_scripts(&self, feed: &Feed) -> Result<Option<String>> {
        let answers = self.exchange(&rights::test_scripts(feed.prefix())).await?;
        Ok(answers.iter().find_map(rights::refusal).map(str::to_owned))
    }

    /// Sends commands in one go and returns an answer for each, refusals included. Publishes what they
    /// change, in the same round trip, if the server does not tell by itself.
    ///
    /// # Errors
    ///
    /// If there is no answer. [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if scripts
    /// would be needed and may not run; then nothing was sent.
    ///
    /// # Cancellation
    ///
    /// What was sent is performed; a call given up counts as one without an answer.
    pub(crate) async fn ask(&self, commands: &Pipeline) -> Result<Vec<Value>> {
        if !self.may_script && rights::need_scripts(commands) {
            return Err(no_scripts());
        }
        let Some(herald) = &self.herald else { return self.send(commands).await };
        let keys = rights::changes(commands);
        if keys.is_empty() {
            return self.send(commands).await;
        }
        let mut and_told = commands.clone();
        and_told.add_command(herald.publication(&keys));
        let mut answers = self.send(&and_told).await?;
        answers.truncate(commands.len());
        Ok(answers)
    }

    async fn send(&self, commands: &Pipeline) -> Result<Vec<Value>> {
        let answers = self.exchange(commands).await?;
        self.health.judge(&answers);
        Ok(answers)
    }

    async fn exchange(&self, commands: &Pipeline) -> Result<Vec<Value>> {
        let mut wire = self.wire.clone();
        let trial = Trial { health: &self.health, is_answered: false };
        let answers = wire.send_packed_commands(commands, 0, commands.len());
        let answers = timeout(self.response_timeout, answers).await.map_err(|_| late())?;
        trial.answered();
        answers.map_err(|_| lost())
    }

    /// Sends one command and returns its answer, which may be a refusal.
    pub(crate) async fn ask_one(&self, command: Cmd) -> Result<Value> {
        let mut commands = Pipeline::with_capacity(1);
        commands.add_command(command);
        self.ask(&commands).await?.pop().ok_or_else(lost)
    }

    /// Notes whether the server is full, and logs it if that is news.
    pub(crate) fn note_full(&self, server: &impl fmt::Display, is_full: bool) {
        let noted = &self.health.is_full;
        if noted.load(Ordering::Relaxed) == is_full {
            return;
        }
        match (noted.swap(is_full, Ordering::Relaxed) != is_full, is_full) {
            (true, true) => tracing::warn!(
                name: "redis.full",
                target: crate::TARGET,
                %server,
                "full: writes are refused (OOM)",
            ),
            (true, false) => tracing::info!(
                name: "redis.not_full",
                target: crate::TARGET,
                %server,
                "no longer full",
            ),
            (false, _) => {}
        }
    }

    /// Waits until the connection must be replaced, and returns why.
    ///
    /// Calls without an answer make a connection suspect, no more: their callers may have given up
    /// for reasons of their own, and a server that is slow for a moment is not left.
    pub(crate) async fn failed(&self) -> Error {
        loop {
            self.health.alarm.notified().await;
            if let Some(error) = self.health.verdict.get() {
                return error.clone();
            }
            let mut wire = self.wire.clone();
            match timeout(Self::PROBE, wire.send_packed_command(&cmd("PING"))).await {
                Ok(_) => self.health.answered(),
                Err(_) => return silent(),
            }
        }
    }
}

impl Health {
    /// How many calls in a row without an answer make a connection suspect.
    const SUSPECT: u32 = 3;

    fn answered(&self) {
        // Read first: a write by every call would bounce the cache line between cores.
        if self.unanswered.load(Ordering::Relaxed) != 0 {
            self.unanswered.store(0, Ordering::Relaxed);
        }
    }

    fn unanswered(&self) {
        let before = self.unanswered.fetch_add(1, Ordering::Relaxed);
        if before.saturating_add(1) >= Self::SUSPECT {
            self.alarm.notify_one();
        }
    }

    /// Condemns the connection if an answer says that another one would be better.
    fn judge(&self, answers: &[Value]) {
        let errors = answers.iter().filter_map(|answer| match answer {
            Value::ServerError(error) => Some(error),
            _ => None,
        });
        let mut fatal = errors.filter(|error| {
            matches!(error.code(), "MASTERDOWN" | "NOAUTH" | "READONLY") || is_about_scripts(error)
        });
        if let Some(error) = fatal.next()
            && self.verdict.set(refusal(error)).is_ok()
        {
            self.alarm.notify_one();
        }
    }
}

/// A call under way. Dropped before its answer, it was given up.
struct Trial<'a> {
    health: &'a Health,
    is_answered: bool,
}

impl Trial<'_> {
    fn answered(mut self) {
        self.is_answered = true;
        self.health.answered();
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.health.unanswered();
        }
    }
}
