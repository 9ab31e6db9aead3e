//! What one call brings in for many keys: from the remote level, or from the loader.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{ready, select, select_all};
use futures_util::{StreamExt, stream};
use tokio::sync::futures::Notified;
use tokio::time::{Instant, sleep};
use tracing::{Instrument, Span};

use super::Probe;
use super::answer::{Answer, Value};
use super::batch::{Answers, Batch};
use super::fence::Snapshot;
use super::flight::Shared;
use super::freshen::Refresh;
use super::lead::{Pause, Step};
use super::loaded::Loaded;
use crate::key::Key;
use crate::level::look::Look;
use crate::level::ticket::Ticket;
use crate::stats::{Event, Line, LineEvent, LoadKind, Outcome};

/// A key that is to be answered, and where its fences stood before.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) place: usize,
    /// None for a key that is too long to be cached.
    snapshot: Option<Arc<Snapshot>>,
    /// Whether a flaw of what is stored has been counted.
    noted: bool,
    /// What can be served if it cannot be loaded.
    stale: Option<Shared>,
}

impl Piece {
    pub(super) fn new(place: usize, snapshot: Arc<Snapshot>) -> Self {
        Self { place, snapshot: Some(snapshot), noted: false, stale: None }
    }

    fn stale_answer<V: Value>(&self) -> Option<Answer<V>> {
        stale_answer(self.stale.as_ref())
    }

    pub(super) fn too_long(place: usize) -> Self {
        Self { place, snapshot: None, noted: false, stale: None }
    }
}

/// How many keys of a batch are refreshed or filled side by side: more would wait for each other, and
/// seem to be answered late.
const AT_ONCE: usize = 64;

fn stale_answer<V: Value>(stale: Option<&Shared>) -> Option<Answer<V>> {
    let value = Arc::clone(stale?).downcast::<V>().ok()?;
    Some(Answer::new(value, Outcome::Stale))
}

/// A key to ask the loader for.
#[derive(Debug)]
struct Wanted {
    place: usize,
    keep: Keep,
    /// What can be served if it cannot be loaded.
    stale: Option<Shared>,
}

/// What becomes of its value.
#[allow(clippy::large_enum_variant, reason = "most are the large one")]
#[derive(Debug)]
enum Keep {
    /// The key is too long to be cached.
    Bypass,
    /// Nothing of it may be kept.
    Held,
    /// It is kept, in the remote level too if there is a ticket.
    Under(Option<Ticket>, Arc<Snapshot>),
}

/// The keys that are still to be answered.
pub(super) struct Haul<'b, 'a, F> {
    batch: &'b Batch<'a, F>,
    open: Vec<Piece>,
    wanted: Vec<Wanted>,
}

impl<'b, 'a, F> Haul<'b, 'a, F> {
    pub(super) fn new(batch: &'b Batch<'a, F>, pieces: Vec<Piece>) -> Self {
        let (open, long): (Vec<_>, Vec<_>) =
            pieces.into_iter().partition(|piece| piece.snapshot.is_some());
        let wanted = long.into_iter().map(|piece| Wanted::of(piece, None)).collect();
        Self { batch, open, wanted }
    }

    /// Answers all keys, each as soon as it can be, by `land`; those that the loader knows nothing
    /// for are left out.
    ///
    /// Loads of others are waited for, as long as `patience`, behind our own.
    pub(super) async fn run<V, E, Fut>(
        mut self,
        patience: Duration,
        mut land: impl FnMut(Answers<V>) + Send,
    ) -> Result<(), E>
    where
        V: Value,
        F: Fn(Vec<usize>) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Vec<Option<V>>, E>> + Send,
        E: Send,
    {
        let deadline = Instant::now() + patience;
        let mut pause = Pause::new();
        land(self.probe());
        land(self.look().await);
        loop {
            if !self.open.is_empty() && Instant::now() >= deadline {
                self.stop_waiting();
            }
            land(self.load().await?);
            if self.open.is_empty() {
                return Ok(());
            }
            // Before the look: what happens after it must wake us.
            let waiters: Vec<_> = self.open.iter().filter_map(|it| self.waiter(it)).collect();
            land(self.look_again().await);
            if self.wanted.is_empty() && !self.open.is_empty() && !waiters.is_empty() {
                let pause = pause.next(self.batch.engine.is_listening());
                let _ = select(select_all(waiters), pin!(sleep(pause))).await;
            }
        }
    }

    /// Takes what has come near since the keys were looked for there.
    fn probe<V: Value>(&mut self) -> Answers<V> {
        let mut answers = Vec::new();
        let batch = self.batch;
        self.open.retain_mut(|piece| {
            // Whoever led before us may have been loading.
            piece.snapshot.iter().for_each(|snapshot| snapshot.note_loading(false));
            let answer = match batch.engine.probe_near(&batch.keys[piece.place]) {
                Probe::Hit(answer) => Some(answer),
                Probe::Missing => None,
                Probe::Stale(value) => {
                    let (value, key): (Arc<V>, _) = (value, &batch.keys[piece.place]);
                    piece.stale = Some(Arc::<V>::clone(&value));
                    let stale = || Answer::new(value, Outcome::Stale);
                    batch.engine.is_resting(key).then(stale)
                }
            };
            let is_open = answer.is_none();
            answers.extend(answer.map(|answer| (piece.place, answer)));
            is_open
        });
        answers
    }

    /// Looks once more. News of the loads that are waited for have made the snapshots worthless.
    async fn look_again<V: Value>(&mut self) -> Answers<V> {
        let Batch { engine, keys, .. } = self.batch;
        for piece in &mut self.open {
            piece.snapshot = Some(Arc::new(engine.fences.snapshot(&keys[piece.place])));
        }
        self.look().await
    }

    /// Looks all open keys up, in one round trip.
    async fn look<V: Value>(&mut self) -> Answers<V> {
        let open = std::mem::take(&mut self.open);
        if open.is_empty() {
            return Vec::new();
        }
        let Some(remote) = &self.batch.engine.remote else {
            self.wanted.extend(open.into_iter().map(|piece| Wanted::of(piece, None)));
            return Vec::new();
        };
        let keys: Vec<Key> = open.iter().map(|it| self.batch.keys[it.place].clone()).collect();
        let looks = remote.look_many(&keys, false).await;
        let steps = open.into_iter().zip(looks).map(|(piece, look)| self.step(piece, look));
        let steps: Vec<(Piece, Step<V>)> = stream::iter(steps).buffered(AT_ONCE).collect().await;
        let mut answers = Vec::new();
        for (piece, step) in steps {
            match step {
                Step::Found(answer) => answers.push((piece.place, answer)),
                Step::Held => self.wanted.push(Wanted::held(piece)),
                Step::Load(ticket) => self.wanted.push(Wanted::of(piece, ticket)),
                Step::Wait => match piece.stale_answer() {
                    Some(stale) => answers.push((piece.place, stale)),
                    None => self.open.push(piece),
                },
            }
        }
        answers
    }

    async fn step<V: Value>(&self, mut piece: Piece, look: Look) -> (Piece, Step<V>) {
        let (engine, call) = (self.batch.engine, self.batch.call(piece.place));
        let Some(snapshot) = piece.snapshot.clone() else { return (piece, Step::Load(None)) };
        match engine.step::<V>(call, &snapshot, look, &mut piece.noted).await {
            Step::Found(stale)
                if stale.outcome == Outcome::Stale && !engine.is_resting(call.key) =>
            {
                let value: Arc<V> = Arc::clone(&stale.value);
                piece.stale = Some(value);
                let step = match engine.right_to_refresh::<V>(call, &snapshot).await {
                    Refresh::Done(newer) => Step::Found(newer),
                    Refresh::Held => Step::Held,
                    Refresh::Ours(ticket) => Step::Load(ticket),
                    Refresh::Taken => Step::Found(stale),
                };
                (piece, step)
            }
            step => (piece, step),
        }
    }

    /// Asks the loader for what is wanted, once, and keeps what it returns.
    async fn load<V, E, Fut>(&mut self) -> Result<Answers<V>, E>
    where
        V: Value,
        F: Fn(Vec<usize>) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Vec<Option<V>>, E>> + Send,
        E: Send,
    {
        let mut wanted = std::mem::take(&mut self.wanted);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        wanted.sort_unstable_by_key(|wanted| wanted.place);
        let batch = self.batch;
        let places: Vec<usize> = wanted.iter().map(|wanted| wanted.place).collect();
        let _turn = batch.engine.turn().await;
        self.note(&wanted, |kind| LineEvent::Loading { kind });
        wanted.iter().for_each(Wanted::note_loading);
        let started = batch.engine.clock.monotonic();
        let span = wanted[0].span(batch.lines);
        let values = (batch.load)(places.clone()).instrument(span).await;
        let took = batch.engine.clock.monotonic().saturating_sub(started);
        let values = match values {
            Ok(values) => values,
            Err(error) => {
                self.note(&wanted, |kind| LineEvent::LoadFailed { kind, took });
                return self.fail_safe(wanted).await.ok_or(error);
            }
        };
        self.note(&wanted, |kind| LineEvent::Loaded { kind, took });
        let values = values.into_iter().chain(std::iter::repeat_with(|| None));
        let haul = &*self;
        let kept = wanted.into_iter().zip(values).map(|(wanted, value)| async move {
            match value {
                Some(value) => Some(haul.kept(wanted, Loaded::new(value), took).await),
                None => haul.end_older(wanted).await,
            }
        });
        Ok(stream::iter(kept).buffered(AT_ONCE).filter_map(ready).collect().await)
    }

    /// Ends what is stale of which the loader says that there is none.
    async fn end_older<V>(&self, wanted: Wanted) -> Option<(usize, Answer<V>)> {
        let Wanted { place, keep, stale } = wanted;
        if let (Keep::Under(ticket, _), Some(_)) = (keep, stale) {
            self.batch.engine.end_older(self.batch.call(place), ticket).await;
        }
        None
    }

    /// Answers with what is stale where the loader failed; `None` if there is not all of it.
    async fn fail_safe<V: Value>(&self, wanted: Vec<Wanted>) -> Option<Answers<V>> {
        let engine = self.batch.engine;
        let stale = |wanted: &Wanted| Some((wanted.place, stale_answer(wanted.stale.as_ref())?));
        let answers: Option<Answers<V>> = wanted.iter().map(stale).collect();
        let rests = wanted.into_iter().map(|Wanted { place, keep, .. }| async move {
            let (key, now) = (self.batch.keys[place].local_hash(), engine.clock.monotonic());
            let pause = engine.backoff.failed(key, now);
            if let Keep::Under(Some(ticket), _) = keep {
                ticket.rest(pause).await;
            }
        });
        stream::iter(rests).buffered(AT_ONCE).collect::<()>().await;
        answers
    }

    /// Takes note of a load in the line of each key that it is for.
    fn note(&self, wanted: &[Wanted], event: impl Fn(LoadKind) -> LineEvent) {
        for wanted in wanted {
            self.batch.lines[wanted.place].note(event(wanted.kind()));
        }
    }

    async fn kept<V: Value>(
        &self,
        Wanted { place, keep, .. }: Wanted,
        loaded: Loaded<V>,
        cost: Duration,
    ) -> (usize, Answer<V>) {
        let engine = self.batch.engine;
        let outcome = match keep {
            Keep::Bypass => {
                engine.note(Event::KeyTooLong);
                Outcome::Bypass
            }
            Keep::Held => Outcome::Loaded,
            Keep::Under(ticket, snapshot) => {
                let call = self.batch.call(place);
                engine.keep(call, &loaded, cost, ticket, &snapshot).await;
                Outcome::Loaded
            }
        };
        (place, Answer::new(loaded.value, outcome))
    }

    /// Loads for all that others are loading still.
    fn stop_waiting(&mut self) {
        let open = std::mem::take(&mut self.open);
        open.iter().for_each(|_| self.batch.engine.note(Event::WaitGivenUp));
        self.wanted.extend(open.into_iter().map(|piece| Wanted::of(piece, None)));
    }

    /// Returns what wakes those who wait for a key, from now on.
    fn waiter(&self, piece: &Piece) -> Option<Pin<Box<Notified<'a>>>> {
        let remote = self.batch.engine.remote.as_ref()?;
        let key = self.batch.keys[piece.place].as_bytes();
        let mut waiter = Box::pin(remote.ears().waiter(key).notified());
        waiter.as_mut().enable();
        Some(waiter)
    }
}

impl Wanted {
    fn of(piece: Piece, ticket: Option<Ticket>) -> Self {
        let keep = |snapshot| Keep::Under(ticket, snapshot);
        let keep = piece.snapshot.map_or(Keep::Bypass, keep);
        Self { place: piece.place, keep, stale: piece.stale }
    }

    fn held(piece: Piece) -> Self {
        Self { place: piece.place, keep: Keep::Held, stale: piece.stale }
    }

    fn kind(&self) -> LoadKind {
        if self.stale.is_some() { LoadKind::Refresh } else { LoadKind::First }
    }

    /// Returns the span of a load, which is that of the first of its keys.
    fn span(&self, lines: &[Arc<Line>]) -> Span {
        lines[self.place].load(self.kind())
    }

    fn note_loading(&self) {
        if let Keep::Under(_, snapshot) = &self.keep {
            snapshot.note_loading(true);
        }
    }
}
