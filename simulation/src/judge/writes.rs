//! Writers: what they change, and who must know when.

use std::sync::Arc;

use super::{Ack, Floor, Judge, Moment, Owed, Row, Verdict, Why, Write};
use crate::catalogue::{Cover, Item};
use crate::history::Who;

/// A change of the source under way, and its invalidation.
#[derive(Debug)]
pub(crate) struct Writing {
    judge: Arc<Judge>,
    who: Who,
    step: usize,
    cover: Cover,
    moment: Moment,
    /// How often its instance had died.
    deaths: u64,
    is_set: bool,
    /// Whether there is a change to know of.
    is_committed: bool,
    is_over: bool,
}

/// What a writer was told of its invalidation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Told {
    /// It holds everywhere.
    Everywhere,
    /// It will hold everywhere: it is in the journal.
    Journalled,
    /// The writer gave up, or died.
    Nothing,
}

impl Judge {
    /// Begins a change; `None` if another writer is in the way, as a source would see to.
    ///
    /// A writer who stores a value needs to be alone: what he knows is only true for as long.
    pub(crate) fn write(
        self: &Arc<Self>,
        who: Who,
        step: usize,
        cover: Cover,
        is_set: bool,
    ) -> Option<Writing> {
        let now = self.now();
        let mut inner = self.inner();
        let in_the_way = |write: &Write| write.cover.meets(cover) && (is_set || write.is_set);
        if inner.writes.iter().any(in_the_way) {
            return None;
        }
        let moment = inner.next(now, step, Some(who));
        let deaths = inner.deaths[who.0];
        let mut is_crossed = inner.late.iter().any(|late| late.meets(cover));
        for write in inner.writes.iter_mut().filter(|write| write.cover.meets(cover)) {
            (write.is_crossed, is_crossed) = (true, true);
        }
        inner.writes.push(Write { step, cover, moment, is_set, is_crossed });
        drop(inner);
        let judge = Arc::clone(self);
        Some(Writing {
            judge,
            who,
            step,
            cover,
            moment,
            deaths,
            is_set,
            is_committed: true,
            is_over: false,
        })
    }

    /// Notes that a writer has taken the place of a key, whose value is true from now on.
    pub(crate) fn seized(&self, server: usize, item: Item) {
        let mut inner = self.inner();
        let ended = inner.ended[server][item.0];
        let covers = |write: &&Write| write.is_set && write.cover.has(item);
        if let Some(moment) = inner.writes.iter().find(covers).map(|write| write.moment) {
            inner.effective.insert(moment, ended);
        }
    }
}

impl Writing {
    /// Returns the value that the writer knows.
    pub(crate) fn row(&self, item: Item) -> Row {
        Row { item: item.0, load: self.moment, seen: self.moment }
    }

    /// Says that the source is not changed yet.
    pub(crate) fn hold(&mut self) {
        self.is_committed = false;
    }

    /// Changes the source: what was loaded since the writer began is old now.
    pub(crate) fn commit(&mut self) {
        let now = self.judge.now();
        self.is_committed = true;
        self.moment = self.judge.inner().next(now, self.step, Some(self.who));
    }

    /// Notes that from now on the change is owed to everybody, whatever becomes of its writer; unless
    /// another writer of the same may have lifted the guard.
    pub(crate) fn guarded(&self) {
        let is_mine = |write: &&Write| write.step == self.step;
        let is_crossed =
            self.judge.inner().writes.iter().find(is_mine).is_none_or(|it| it.is_crossed);
        if !is_crossed {
            self.owe_since(self.moment, None);
        }
    }

    /// Notes what the writer was told.
    pub(crate) fn told(mut self, told: Told) {
        self.is_over = true;
        self.conclude(told);
    }

    fn conclude(&self, told: Told) {
        let Self { judge, who, step, cover, .. } = self;
        let now = judge.now();
        judge.trace.tell(now, || format!("{who} ends step {step} of {cover}: {told:?}"));
        let mut inner = judge.inner();
        inner.writes.retain(|write| write.step != *step);
        if told != Told::Everywhere {
            inner.late.push(*cover);
        }
        let moment = inner.effective(self.moment);
        if self.is_set && told != Told::Nothing {
            // Nobody else was writing: it is still true.
            let last = inner.moment;
            inner.effective.insert(self.moment, last);
        }
        // What the dead knew is nobody's any more.
        if !self.is_committed || inner.deaths[who.0] != self.deaths {
            return;
        }
        let why = Why::Returned { step: *step, at: now };
        for item in cover.items() {
            inner.raise(*who, item, Floor { moment, why });
            if told == Told::Everywhere {
                inner.acked[item.0].push(Ack { at: now, moment, step: *step });
            }
        }
        drop(inner);
        self.owe_since(moment, (told != Told::Everywhere).then_some(*who));
    }

    fn owe_since(&self, moment: Moment, by: Option<Who>) {
        let Self { who: writer, step, deaths, is_set, .. } = *self;
        let mut inner = self.judge.inner();
        for item in self.cover.items() {
            inner.owed.push(Owed { by, writer, deaths, item, moment, step, is_set });
        }
    }

    /// Judges an error that is none of the remote level's.
    pub(crate) fn failed(&self, error: &str) {
        let text = format!("{} ends step {} with an error: {error}", self.who, self.step);
        self.judge.inner().find(Verdict::new("P4", text));
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.is_over {
            self.conclude(Told::Nothing);
        }
    }
}
