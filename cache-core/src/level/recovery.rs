//! Bringing the remote level back: probe, greet, replay, and only then read from it again.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use futures_util::future::select;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

use super::gate::{Gate, is_late, late};
use super::journal::Page;
use super::phase::{Event, Phase};
use crate::backend::{Identity, InvalidateOptions};
use crate::group::Group;
use crate::stats;
use crate::{Error, ErrorKind, Result};

/// Brings the remote level back, for as long as it takes. The only task that does.
///
/// Holds the gate only while it works: with the last handle of the cache it ends.
pub(super) async fn run(gate: Weak<Gate>, number: u64) {
    let keeper = Keeper { gate, number };
    while let Some(gate) = keeper.gate() {
        let pause = match gate.work().await {
            Work::Again => continue,
            Work::Done => return,
            Work::Pause => gate.standing().pause(),
        };
        let returned = gate.ears.returned();
        drop(gate);
        let mut sleep = std::pin::pin!(sleep(pause));
        select(sleep.as_mut(), std::pin::pin!(returned.notified())).await;
        if let Some(gate) = keeper.gate() {
            gate.event(Event::ProbeDue);
        }
    }
}

/// Has a stranger greeted, even if nobody asks it anything: who has not met it would take the server
/// of before, once that is back, for what it was.
///
/// In a task, as who tells of the stranger may hold locks that the backend's end would wait for.
pub(super) fn begin(gate: &Weak<Gate>) {
    let Ok(runtime) = Handle::try_current() else { return };
    let gate = Weak::clone(gate);
    runtime.spawn(async move {
        if let Some(gate) = gate.upgrade() {
            gate.look_after(&mut gate.standing());
        }
    });
}

/// One keeper; the next one can begin when it is dropped, also with its runtime.
struct Keeper {
    gate: Weak<Gate>,
    number: u64,
}

impl Keeper {
    /// Returns the gate, unless that is gone or has found another keeper.
    fn gate(&self) -> Option<Arc<Gate>> {
        self.gate.upgrade().filter(|gate| gate.standing().keeps(self.number))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.upgrade() {
            gate.standing().dismiss(self.number);
        }
    }
}

/// How many attempts to tell what is owed may time out before the next pause.
const MAX_TIMEOUTS: u32 = 4;

fn slow() -> Error {
    Error::new(ErrorKind::Timeout, "it answers, but later than `slow_after`")
}

/// What a step came to.
enum Work {
    Again,
    Done,
    Pause,
}

impl Gate {
    async fn work(self: &Arc<Self>) -> Work {
        let phase = self.standing().phase();
        match phase {
            Phase::Closed | Phase::Healthy => return Work::Done,
            Phase::Down => return Work::Pause,
            Phase::Probing => match self.probe().await {
                Ok(()) => self.event(Event::Answered),
                Err(error) => self.failed(error),
            },
            Phase::Greeting => match self.greet().await {
                Ok(()) => self.event(Event::Greeted),
                Err(error) => self.failed(error),
            },
            Phase::Owing | Phase::Replaying => match self.catch_up().await {
                Ok(()) if self.settle() => return Work::Done,
                Ok(()) => {}
                Err(error) => {
                    self.failed(error);
                    return Work::Pause;
                }
            },
        }
        Work::Again
    }

    fn event(self: &Arc<Self>, event: Event) {
        self.apply(&mut self.standing(), event);
    }

    fn failed(self: &Arc<Self>, error: Error) {
        let mut standing = self.standing();
        standing.problem = Some(error);
        self.apply(&mut standing, Event::Failed);
    }

    /// Asks whether the backend answers, and soon enough.
    async fn probe(&self) -> Result<()> {
        let started = Instant::now();
        self.timed(self.backend.ping()).await?;
        if started.elapsed() > self.settings.slow_after() { Err(slow()) } else { Ok(()) }
    }

    /// Lets the server say who it is, if that is open, and tries to tell it all that it is owed.
    ///
    /// What is on a node that is away does not stand in the way of the rest; a server that hangs is
    /// left alone after a few attempts.
    async fn catch_up(&self) -> Result<()> {
        if !self.is_greeted() {
            self.greet().await?;
        }
        let (mut failure, mut timeouts) = (None, 0);
        self.standing().journal.begin_round();
        while timeouts < MAX_TIMEOUTS {
            let page = self.standing().journal.page();
            let Some(page) = page else { break };
            if let Err(error) = self.replay(&page).await {
                timeouts += u32::from(is_late(&error));
                failure = Some(error);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Has everything ended if the server may have forgotten what it was told.
    async fn greet(&self) -> Result<()> {
        let stranger = self.ears.strangers();
        let seen = self.standing().identity.clone();
        let all = Group::all(self.ears.prefix());
        let identity = self.timed(self.backend.identify(&all, seen.as_ref())).await?;
        // The first connection is opened by this very question, and is news of a stranger too: who
        // was not met before is met again as such, or one without a name would end everything.
        if seen.is_none() && self.ears.strangers() != stranger {
            return Ok(());
        }
        self.board.put(identity.advice().to_vec());
        self.meet(seen, identity);
        // If yet another has come up in the meantime, this one was greeted for nothing.
        self.greeted.store(stranger, Ordering::SeqCst);
        Ok(())
    }

    fn meet(&self, seen: Option<Identity>, identity: Identity) {
        if seen.as_ref().is_some_and(|seen| *seen != identity) {
            let (backend, turn) = (&*self.backend, identity.turn());
            self.flush();
            self.counters.note(stats::Event::ServerChanged { backend, turn });
        }
        self.standing().identity = Some(identity);
    }

    async fn replay(&self, page: &Page) -> Result<()> {
        let told = match page {
            Page::Groups(batch) => {
                let told = self.timed(self.advance(&batch.all, batch.hold)).await;
                batch.all.iter().map(|_| told.clone()).collect()
            }
            Page::Keys(batch) => {
                let options = InvalidateOptions::new(batch.hold);
                let told = async { Ok(self.backend.invalidate(&batch.all, &options).await) };
                self.timed(told).await.unwrap_or_else(|error| vec![Err(error); batch.all.len()])
            }
        };
        let is_told = |place| told.get(place).is_some_and(Result::is_ok);
        let replayed = (0..page.len()).filter(|place| is_told(*place)).count();
        self.counters.note(stats::Event::Replayed { count: replayed as u64 });
        if let (Page::Groups(batch), true) = (page, replayed > 0) {
            // What is known of their numbers may be from before; our own changes are not told us.
            batch.all.iter().for_each(|group| self.fences.bump_group(group.as_bytes()));
        }
        let mut standing = self.standing();
        standing.journal.settle(page, is_told);
        standing.journal.resize(told.iter().any(|told| told.as_ref().is_err_and(is_late)));
        self.note_owed(&standing);
        standing.touch();
        drop(standing);
        if told.len() < page.len() {
            return Err(Error::new(ErrorKind::Backend, "the backend did not answer for each key"));
        }
        told.into_iter().collect()
    }

    /// Lets operations through again, if nothing has come up in the meantime.
    ///
    /// Near entries from an outage could not hear of invalidations: they end before that.
    fn settle(self: &Arc<Self>) -> bool {
        let mut standing = self.standing();
        if !standing.journal.is_empty() || !self.is_greeted() {
            return false;
        }
        if standing.phase() == Phase::Replaying {
            self.flush();
            self.counters.note(stats::Event::RemoteUp { backend: &*self.backend });
        }
        self.apply(&mut standing, Event::Settled);
        // It may have been given up while it was told.
        !standing.phase().is_unsettled()
    }

    /// Ends everything near.
    fn flush(&self) {
        self.fences.bump_all();
        self.counters.note(stats::Event::NearFlushed);
    }

    async fn timed<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        let result = timeout(self.settings.remote_timeout, operation).await;
        result.unwrap_or_else(|_| Err(late())).inspect_err(|error| self.count(error))
    }
}
