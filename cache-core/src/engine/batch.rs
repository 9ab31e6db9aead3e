//! Many keys at once: one look, and one call of the loader for all that are missing.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, join_all, poll_immediate, select};
use tokio::sync::{Notify, oneshot};
use tokio::task::unconstrained;
use tokio::time::sleep;

use super::answer::{Answer, Value};
use super::flight::{Landing, Seat, Shared};
use super::haul::{Haul, Piece};
use super::lead::Opened;
use super::{Call, Engine};
use crate::key::Key;
use crate::policy::CallOptions;
use crate::stats::{Event, Line, LineEvent};

/// Values in the order of the keys; `None` where there is none.
type Values<V> = Vec<Option<Arc<V>>>;

impl Engine {
    /// Answers from near and remote, never from a loader.
    pub(crate) async fn get_many<V: Value>(&self, keys: &[Key]) -> Values<V> {
        let (options, started) = (CallOptions::table(), self.clock.monotonic());
        let mut values: Values<V> = keys.iter().map(|key| self.near_value(key)).collect();
        let open = |place: &usize| values[*place].is_none() && !keys[*place].is_too_long();
        let open: Vec<usize> = (0..keys.len()).filter(open).collect();
        let asked: Vec<Key> = open.iter().map(|place| keys[*place].clone()).collect();
        let snapshots: Vec<_> = asked.iter().map(|key| self.fences.snapshot(key)).collect();
        let found = match &self.remote {
            Some(remote) if !asked.is_empty() => remote.peek_many(&asked).await,
            _ => asked.iter().map(|_| None).collect(),
        };
        for ((place, found), snapshot) in open.into_iter().zip(found).zip(&snapshots) {
            let line = self.line(&keys[place]);
            let call = Call::plain(&keys[place], &options, &line);
            let answer = found.and_then(|found| {
                let opened = self.open::<V>(call, snapshot, &found);
                let opened = opened.map_err(|unusable| self.note_unusable(call, unusable)).ok();
                opened.filter(|opened| !opened.is_stale()).map(Opened::answer)
            });
            self.note_found(&line, started, answer.as_ref().map(|answer| answer.outcome));
            values[place] = answer.map(|answer| answer.value);
        }
        values
    }

    /// Answers from near and remote, else from one call of the loader for all that are missing.
    ///
    /// Shares the loads of other callers, here and elsewhere, key by key. Where those fail or take
    /// too long, there is a second call of the loader.
    pub(crate) async fn fetch_many<V, E, F, Fut>(
        &self,
        keys: &[Key],
        options: &CallOptions,
        load: F,
    ) -> Result<Values<V>, E>
    where
        V: Value,
        F: Fn(Vec<usize>) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Vec<Option<V>>, E>> + Send,
        E: Send,
    {
        let (first, started) = (first_places(keys), self.clock.monotonic());
        let mut values: Values<V> = keys.iter().map(|key| self.near_value(key)).collect();
        let open = |place: &usize| first[*place] == *place && values[*place].is_none();
        let open: Vec<usize> = (0..keys.len()).filter(open).collect();
        if !open.is_empty() {
            let lines: Vec<_> = keys.iter().map(|key| self.line(key)).collect();
            let batch = Batch { engine: self, keys, lines: &lines, options, load: &load };
            let answers = batch.answer(open.clone()).await;
            let took = Some(self.clock.monotonic().saturating_sub(started));
            let answers = answers.inspect_err(|_| {
                open.iter().for_each(|place| lines[*place].note(LineEvent::Failed { took }));
            })?;
            for (place, answer) in answers {
                lines[place].note(LineEvent::Answered { outcome: answer.outcome, took });
                values[place] = Some(answer.value);
            }
            let missed = open.iter().filter(|place| values[**place].is_none());
            missed.for_each(|place| lines[*place].note(LineEvent::Missed));
        }
        // The same key again has the same answer.
        Ok((0..keys.len()).map(|place| values[first[place]].clone()).collect())
    }

    fn near_value<V: Value>(&self, key: &Key) -> Option<Arc<V>> {
        self.near_hit(key).map(|answer: Answer<V>| answer.value)
    }
}

/// Returns for each key the place where it stands first. Keys that are too long are cut off, so
/// that different ones look the same: each counts as a first.
fn first_places(keys: &[Key]) -> Vec<usize> {
    let mut seen = HashMap::new();
    let mut first = Vec::with_capacity(keys.len());
    for (place, key) in keys.iter().enumerate() {
        first.push(if key.is_too_long() { place } else { *seen.entry(key).or_insert(place) });
    }
    first
}

/// One call for many keys.
pub(super) struct Batch<'a, F> {
    pub(super) engine: &'a Engine,
    pub(super) keys: &'a [Key],
    /// Where the call for each key is counted.
    pub(super) lines: &'a [Arc<Line>],
    pub(super) options: &'a CallOptions,
    pub(super) load: &'a F,
}

/// Answers by the place of their key.
pub(super) type Answers<V> = Vec<(usize, Answer<V>)>;

impl<F> Batch<'_, F> {
    pub(super) fn call(&self, place: usize) -> Call<'_> {
        Call::plain(&self.keys[place], self.options, &self.lines[place])
    }

    /// Takes a seat in the flight of each key, loads for those that nobody else loads, and then
    /// for those whose loads by others came to nothing.
    async fn answer<V, E, Fut>(&self, open: Vec<usize>) -> Result<Answers<V>, E>
    where
        V: Value,
        F: Fn(Vec<usize>) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Vec<Option<V>>, E>> + Send,
        E: Send,
    {
        let desk = Desk::default();
        let landings = open.iter().map(|place| (*place, self.seat::<V>(*place)));
        let landings: Vec<_> = landings.collect();
        let landings = landings.into_iter().map(|(place, seat)| self.land(place, seat, &desk));
        let landings = join_all(landings);
        // With tokio's budget for one turn, only the first hundred keys would come to the desk.
        let mut landings = pin!(unconstrained(landings));
        let landed = match select(landings.as_mut(), pin!(self.lead_all::<V, E, Fut>(&desk))).await
        {
            Either::Left((landed, _)) => landed,
            Either::Right((error, _)) => {
                // Those who wait for our loads learn of it before our seats go.
                let _ = poll_immediate(landings).await;
                return Err(error);
            }
        };
        let (mut answers, again) = desk.sort(open, landed);
        if !again.is_empty() {
            let snapshot = |place: usize| self.engine.fences.snapshot(&self.keys[place]);
            let piece = |place: usize| Piece::new(place, Arc::new(snapshot(place)));
            let haul = Haul::new(self, again.into_iter().map(piece).collect());
            haul.run(Duration::ZERO, |landed| answers.extend(landed)).await?;
        }
        Ok(answers)
    }

    /// Takes a seat in the flight for a key, unless it is too long to be cached.
    fn seat<V: Value>(&self, place: usize) -> Option<Seat<'_>> {
        let key = &self.keys[place];
        (!key.is_too_long()).then(|| self.engine.flights.join::<V>(key, false, &self.engine.fences))
    }

    /// Waits for one key's landing; at the desk if nobody else leads. `None` if another's load takes
    /// too long.
    async fn land(&self, place: usize, seat: Option<Seat<'_>>, desk: &Desk) -> Option<Landing> {
        let Some(seat) = seat else { return Some(desk.enter(Piece::too_long(place)).await) };
        let lead = || desk.enter(Piece::new(place, Arc::clone(seat.snapshot())));
        match select(pin!(seat.land(lead)), pin!(sleep(self.engine.settings.wait))).await {
            Either::Left((landing, _)) => return Some(landing),
            Either::Right(((), landing)) if desk.has(place) => return Some(landing.await),
            Either::Right(_) => {}
        }
        self.engine.note(Event::WaitGivenUp);
        seat.abandon();
        None
    }

    /// Loads for all that enter at the desk, as they come; ends with the loader's error only.
    async fn lead_all<V, E, Fut>(&self, desk: &Desk) -> E
    where
        V: Value,
        F: Fn(Vec<usize>) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Vec<Option<V>>, E>> + Send,
        E: Send,
    {
        loop {
            let led = desk.next().await;
            let (pieces, mut lands): (Vec<_>, HashMap<_, _>) =
                led.into_iter().map(|led| (led.piece.clone(), (led.piece.place, led.land))).unzip();
            let land = |answers: Answers<V>| {
                for (place, Answer { value, outcome, .. }) in answers {
                    let value: Shared = value;
                    // A seat that is gone needs no answer.
                    let land = lands.remove(&place);
                    land.map(|land| land.send(Landing::Value(value, outcome)));
                }
            };
            let haul = Haul::new(self, pieces);
            if let Err(error) = haul.run(self.engine.settings.wait, land).await {
                return error;
            }
        }
    }
}

/// A key whose load is ours to make, and where its landing is awaited.
struct Led {
    piece: Piece,
    land: oneshot::Sender<Landing>,
}

/// Where the keys come together that are to be loaded in one go.
#[derive(Default)]
struct Desk {
    list: Mutex<List>,
    entered: Notify,
}

#[derive(Default)]
struct List {
    /// Those that nobody has taken yet.
    led: Vec<Led>,
    /// The places of all that ever came.
    places: HashSet<usize>,
}

impl Desk {
    /// Hands a key in, and waits for its landing.
    async fn enter(&self, piece: Piece) -> Landing {
        let (land, landing) = oneshot::channel();
        {
            let mut list = self.list();
            list.places.insert(piece.place);
            list.led.push(Led { piece, land });
        }
        self.entered.notify_one();
        // Dropped where the loader knows of none.
        landing.await.unwrap_or(Landing::Failed(None))
    }

    /// Whether the load for this place is ours.
    fn has(&self, place: usize) -> bool {
        self.list().places.contains(&place)
    }

    /// Waits for keys, and takes all there are.
    async fn next(&self) -> Vec<Led> {
        loop {
            self.entered.notified().await;
            let led = std::mem::take(&mut self.list().led);
            if !led.is_empty() {
                return led;
            }
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sorts landings into answers, and places to load for after others' loads came to nothing.
    fn sort<V: Value>(
        &self,
        places: Vec<usize>,
        landings: Vec<Option<Landing>>,
    ) -> (Answers<V>, Vec<usize>) {
        let (mut answers, mut again) = (Vec::new(), Vec::new());
        for (place, landing) in places.into_iter().zip(landings) {
            match landing {
                Some(Landing::Value(value, outcome)) => match value.downcast::<V>() {
                    Ok(value) => answers.push((place, Answer::new(value, outcome))),
                    Err(_) => again.push(place),
                },
                // Ours: the loader knows of none.
                Some(Landing::Failed(_)) if self.has(place) => {}
                Some(Landing::Failed(_)) | None => again.push(place),
            }
        }
        (answers, again)
    }
}
