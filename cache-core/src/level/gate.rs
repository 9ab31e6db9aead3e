//! The gate in front of a backend: a deadline for each operation, and none at all while it is down.

use std::future::Future;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::board::Board;
use super::breaker::Verdict;
use super::ears::Ears;
use super::journal::Cover;
use super::phase::{Event, Phase};
use super::recovery;
use super::standing::Standing;
use crate::backend::{AdvanceOptions, Backend, is_outage};
use crate::engine::fence::Fences;
use crate::group::Group;
use crate::key::Key;
use crate::policy::Settings;
use crate::stats::{self, CacheCounters};
use crate::{Error, ErrorKind, Result};

/// Lets operations through to a backend, none for longer than the settings say, and none at all
/// while it is down, or is told after an outage what it missed.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) ears: Arc<Ears>,
    standing: Mutex<Standing>,
    /// What the phase means for operations, to be read without the lock.
    passage: AtomicU8,
    /// As which of the strangers the server has been greeted.
    pub(super) greeted: AtomicU64,
    /// How much is owed, to be read without the lock.
    owed: AtomicUsize,
    /// Wakes those who wait for a greeting.
    settled: Notify,
    born: Instant,
    /// The longest life of an entry, in seconds.
    longest_ttl: AtomicU64,
    pub(super) settings: Settings,
    pub(super) counters: Arc<CacheCounters>,
    pub(super) fences: Arc<Fences>,
    /// What the server's own settings lead to.
    pub(super) board: Board,
}

/// What a gate is made of.
pub(super) struct Parts {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) ears: Arc<Ears>,
    pub(super) longest_ttl: Duration,
    pub(super) settings: Settings,
    pub(super) counters: Arc<CacheCounters>,
    pub(super) fences: Arc<Fences>,
}

/// What a phase means for operations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Passage {
    Open,
    Shut,
    /// Open in a moment.
    Wait,
}

impl Passage {
    fn of(phase: Phase) -> Self {
        match phase {
            Phase::Healthy | Phase::Owing => Self::Open,
            Phase::Greeting => Self::Wait,
            Phase::Closed | Phase::Down | Phase::Probing | Phase::Replaying => Self::Shut,
        }
    }
}

impl Gate {
    /// No stranger has been greeted yet.
    const NOBODY: u64 = u64::MAX;

    /// Creates a gate to a store; a shared one may be anybody, and is greeted at first.
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { backend, ears, longest_ttl, settings, counters, fences } = parts;
        let (phase, greeted) = match backend.capabilities().shared {
            true => (Phase::Greeting, Self::NOBODY),
            false => (Phase::Healthy, ears.strangers()),
        };
        let all = Group::all(ears.prefix());
        Self {
            backend,
            ears,
            standing: Mutex::new(Standing::new(phase, all, &settings)),
            passage: AtomicU8::new(Passage::of(phase) as u8),
            greeted: AtomicU64::new(greeted),
            owed: AtomicUsize::new(0),
            settled: Notify::new(),
            born: Instant::now(),
            longest_ttl: AtomicU64::new(longest_ttl.as_secs()),
            board: Board::new(settings.advice),
            settings,
            counters,
            fences,
        }
    }

    /// Whether operations are refused.
    pub(super) fn is_shut(&self) -> bool {
        self.passage.load(Ordering::Acquire) == Passage::Shut as u8
    }

    pub(super) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Performs one operation within the deadline, unless the backend is down.
    pub(super) async fn call<T>(
        self: &Arc<Self>,
        operation: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let begun = self.begin(1).await?;
        let result = timeout_at(begun.deadline, operation).await.unwrap_or_else(|_| Err(late()));
        self.judge(&begun, result.as_ref().err());
        self.same(&begun).and(result)
    }

    /// As [`call`](Self::call), for an operation on `count` keys, each with an answer of its own.
    pub(super) async fn call_each<T>(
        self: &Arc<Self>,
        count: usize,
        operation: impl Future<Output = Vec<Result<T>>>,
    ) -> Vec<Result<T>> {
        let all = |error: Error| (0..count).map(|_| Err(error.clone())).collect();
        let begun = match self.begin(count).await {
            Ok(begun) => begun,
            Err(error) => return all(error),
        };
        let results = timeout_at(begun.deadline, operation).await;
        let results: Vec<_> = results.unwrap_or_else(|_| all(late()));
        // One key that was answered shows that the backend is there.
        let is_answered = results.iter().any(Result::is_ok);
        match results.iter().find_map(|result| result.as_ref().err()) {
            Some(error) if is_answered => {
                self.count(error);
                self.judge(&begun, None);
            }
            error => self.judge(&begun, error),
        }
        self.same(&begun).map_or_else(all, |()| results)
    }

    /// Fails if operations are refused, and sees that this ends.
    pub(super) fn knock(self: &Arc<Self>) -> Result<()> {
        if !self.is_shut() {
            return Ok(());
        }
        self.counters.note(stats::Event::RemoteRejected);
        self.look_after(&mut self.standing());
        Err(Error::new(ErrorKind::Backend, "the remote level is down"))
    }

    /// Waits until operations are let through; fails if they are not.
    async fn begin(self: &Arc<Self>, count: usize) -> Result<Begun> {
        let deadline = Instant::now() + self.settings.remote_timeout;
        let admitted = timeout_at(deadline, self.admit()).await;
        admitted.unwrap_or_else(|_| Err(late()).inspect_err(|error| self.count(error)))?;
        // Before the operation: if another server answers from here on, it counts for nothing.
        let stranger = self.greeted.load(Ordering::SeqCst);
        Ok(Begun { started: Instant::now(), deadline, stranger, is_single: count == 1 })
    }

    async fn admit(self: &Arc<Self>) -> Result<()> {
        loop {
            self.knock()?;
            let mut settled = std::pin::pin!(self.settled.notified());
            settled.as_mut().enable();
            if self.is_open() {
                return Ok(());
            }
            self.look_after(&mut self.standing());
            if self.passage.load(Ordering::Acquire) == Passage::Wait as u8 {
                settled.await;
            }
        }
    }

    fn is_open(&self) -> bool {
        self.passage.load(Ordering::Acquire) == Passage::Open as u8 && self.is_greeted()
    }

    /// Whether the server that answers now has said who it is.
    pub(super) fn is_greeted(&self) -> bool {
        self.greeted.load(Ordering::SeqCst) == self.ears.strangers()
    }

    /// Fails if the answer may be that of another server than the one that was greeted before.
    fn same(&self, begun: &Begun) -> Result<()> {
        if begun.stranger == self.ears.strangers() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Backend, "another server has taken over in the meantime"))
    }

    /// Takes note of how an operation went.
    fn judge(self: &Arc<Self>, begun: &Begun, error: Option<&Error>) {
        let verdict = self.verdict(begun, error);
        let mut standing = self.standing();
        match error {
            Some(error) if verdict == Verdict::Failed => standing.problem = Some(error.clone()),
            _ if self.is_shut() => {}
            _ => standing.problem = None,
        }
        if standing.judge(verdict, self.born.elapsed()) {
            if verdict == Verdict::Slow {
                standing.problem = Some(Error::new(ErrorKind::Timeout, "its answers are slow"));
            }
            self.apply(&mut standing, Event::GivenUp);
        }
    }

    fn verdict(&self, begun: &Begun, error: Option<&Error>) -> Verdict {
        let slow_after = self.settings.slow_after();
        match error {
            Some(error) => {
                self.count(error);
                // What waited for a greeting has little time left, and says nothing by taking more.
                let is_fair = begun.deadline - begun.started >= slow_after;
                let is_failure = is_outage(error.kind()) && (is_fair || !is_late(error));
                if is_failure { Verdict::Failed } else { Verdict::Fine }
            }
            // A large batch takes its time.
            None if begun.is_single && begun.started.elapsed() > slow_after => {
                self.counters.note(stats::Event::RemoteSlow);
                Verdict::Slow
            }
            None => Verdict::Fine,
        }
    }

    pub(super) fn count(&self, error: &Error) {
        self.counters.note(stats::Event::RemoteFailed { kind: error.kind() });
    }

    /// Takes note of an event, and does what follows from it.
    pub(super) fn apply(self: &Arc<Self>, standing: &mut Standing, event: Event) {
        let before = standing.phase();
        if standing.apply(event) {
            let after = standing.phase();
            if after == Phase::Down && !matches!(before, Phase::Probing | Phase::Replaying) {
                let (backend, error) = (&*self.backend, standing.problem.as_ref());
                self.counters.note(stats::Event::RemoteDown { backend, error });
            }
            self.passage.store(Passage::of(after) as u8, Ordering::Release);
            self.settled.notify_waiters();
        }
        self.look_after(standing);
    }

    /// Sees that somebody brings the remote level back, if it is not well.
    pub(super) fn look_after(self: &Arc<Self>, standing: &mut Standing) {
        if !self.is_greeted() && standing.apply(Event::Stranger) {
            self.passage.store(Passage::of(standing.phase()) as u8, Ordering::Release);
        }
        if let Ok(runtime) = Handle::try_current()
            && let Some(number) = standing.hire()
        {
            let task = runtime.spawn(recovery::run(Arc::downgrade(self), number));
            standing.employ(number, task.abort_handle());
        }
    }

    /// Returns how far what is under a key is covered by what the backend has not been told yet.
    pub(super) fn covers(self: &Arc<Self>, key: &Key) -> Cover {
        if !self.is_owing() {
            return Cover::None;
        }
        let mut standing = self.standing();
        self.look_after(&mut standing);
        standing.journal.covers(key)
    }

    /// Whether the backend has not been told yet of the end of one of `groups`.
    pub(super) fn owes_any(self: &Arc<Self>, groups: &[Group]) -> bool {
        self.is_owing() && self.standing().journal.covers_any(groups)
    }

    fn is_owing(&self) -> bool {
        self.owed.load(Ordering::SeqCst) != 0
    }

    /// Takes note of how much is owed. Whoever changes the journal calls this.
    pub(super) fn note_owed(&self, standing: &Standing) {
        self.owed.store(standing.journal.len(), Ordering::SeqCst);
    }

    /// Gives every one of `groups` another generation; past the phase and the deadline.
    pub(super) async fn advance(&self, groups: &[Group], hold: Option<Duration>) -> Result<()> {
        let options = AdvanceOptions::new(self.generation_ttl());
        // What moves with every tag comes first, and is not held: it would hold every load.
        let first = groups.iter().take_while(|group| hold.is_some() && group.is_any_tag()).count();
        let (any_tag, held) = groups.split_at(first);
        if !any_tag.is_empty() {
            self.backend.advance(any_tag, &options).await?;
        }
        // What moves with every tag may be told alone.
        if held.is_empty() {
            return Ok(());
        }
        self.backend.advance(held, &options.hold(hold)).await
    }

    /// Notes how long an entry will live, so that its groups' numbers outlive it.
    pub(super) fn note_ttl(&self, ttl: Duration) {
        self.longest_ttl.fetch_max(ttl.as_secs(), Ordering::Relaxed);
    }

    /// A group's number must outlive the entries that carry it, or they would be lost early.
    pub(super) fn generation_ttl(&self) -> Duration {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        (Duration::from_secs(self.longest_ttl.load(Ordering::Relaxed)) * 2).max(DAY)
    }

    /// Returns how long the remote level has not been in use.
    pub(super) fn down_for(&self) -> Option<Duration> {
        let standing = self.standing();
        let is_out = Passage::of(standing.phase()) == Passage::Shut;
        is_out.then(|| standing.lasted())
    }
}

/// An operation that was let through.
struct Begun {
    started: Instant,
    deadline: Instant,
    stranger: u64,
    /// Whether it is about one key.
    is_single: bool,
}

pub(super) fn is_late(error: &Error) -> bool {
    error.kind() == ErrorKind::Timeout
}

pub(super) fn late() -> Error {
    Error::new(ErrorKind::Timeout, "no answer within `remote_timeout`")
}
