//! Calls, their loads and their answers.

use std::sync::Arc;

use super::{Floor, Judge, Moment, Row, Verdict, Why};
use crate::catalogue::{Item, KEYS};
use crate::history::Who;
use crate::rules::{BOUND, LONGEST_CALL};

/// A call under way.
#[derive(Debug)]
pub(crate) struct Call {
    judge: Arc<Judge>,
    who: Who,
    step: usize,
    began: u64,
    /// How long its own load takes.
    load: u64,
    floors: Vec<(Item, Floor)>,
    is_settled: bool,
}

impl Judge {
    /// Notes that a call begins, whose load takes `load` milliseconds.
    pub(crate) fn ask(self: &Arc<Self>, who: Who, step: usize, items: &[Item], load: u64) -> Call {
        let now = self.now();
        let mut inner = self.inner();
        inner.calls_open += 1;
        let floors = items.iter().map(|item| {
            let mut floor = inner.floors[who.0][item.0];
            let old = inner.acked[item.0].iter().filter(|ack| ack.at + BOUND < now);
            if let Some(ack) = old.max_by_key(|ack| ack.moment)
                && ack.moment > floor.moment
            {
                let why = Why::Acked { step: ack.step, at: ack.at };
                floor = Floor { moment: ack.moment, why };
            }
            (*item, floor)
        });
        let (floors, is_settled) = (floors.collect(), inner.is_settled);
        drop(inner);
        Call { judge: Arc::clone(self), who, step, began: now, load, floors, is_settled }
    }

    /// Begins a load, and returns what the source knows.
    pub(crate) fn load(&self, who: Who, step: usize, item: Item) -> Row {
        let now = self.now();
        let mut inner = self.inner();
        let seen = inner.before(now, self.lag);
        let load = inner.next(now, step, Some(who));
        inner.loads[item.0] += 1;
        let seen = if self.lag == 0 { load } else { seen };
        drop(inner);
        self.trace.tell(now, || format!("{who} begins load {load}, of {item}, for step {step}"));
        Row { item: item.0, load, seen }
    }

    /// Notes that a load came to nothing, or was given up, so that another is needed.
    pub(crate) fn excuse(&self, items: &[Item]) {
        let mut inner = self.inner();
        items.iter().for_each(|item| inner.causes[item.0] += 1);
    }

    /// Returns how many calls are under way.
    pub(crate) fn calls_open(&self) -> usize {
        self.inner().calls_open
    }

    /// From now on every instance must know of every change.
    pub(crate) fn settle(&self) {
        let mut inner = self.inner();
        inner.is_settled = true;
        // What was set is kept for as long as it lives; then the source, which lags, is asked.
        let is_gone = self.lag > 0 && inner.clocks_differ;
        inner.owed.retain(|owed| !(owed.is_set && is_gone));
        for owed in inner.owed.clone() {
            let floor = Floor { moment: owed.moment, why: Why::Settled { step: owed.step } };
            (0..inner.floors.len()).for_each(|who| inner.raise(Who(who), owed.item, floor));
        }
    }

    /// Where there were no faults, sees that nothing was loaded more often than there was cause.
    pub(crate) fn count_loads(&self) {
        let mut inner = self.inner();
        for item in 0..KEYS {
            let (loads, causes) = (inner.loads[item], inner.causes[item]);
            if loads > 1 + causes {
                let text =
                    format!("{} was loaded {loads} times, and ended {causes} times", Item(item));
                inner.find(Verdict::new("P5", text));
            }
        }
    }

    pub(crate) fn find(&self, promise: &'static str, text: String) {
        self.inner().find(Verdict::new(promise, text));
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.inner().verdict.clone()
    }
}

impl Call {
    /// Judges the answer for one of its keys.
    pub(crate) fn answered(&self, item: Item, row: Row) {
        let Self { judge, who, step, .. } = self;
        let now = judge.now();
        judge.trace.tell(now, || format!("{who} answers step {step}: {item} by load {}", row.load));
        let Some((_, floor)) = self.floors.iter().find(|(asked, _)| *asked == item) else { return };
        let mut inner = judge.inner();
        if row.item != item.0 {
            let text = format!("{who} answers step {step}, about {item}, with {}", Item(row.item));
            return inner.find(Verdict::new("P1", text));
        }
        let load = inner.effective(row.load);
        let seen = if row.seen == row.load { load } else { row.seen };
        // What lags is only kept away while nobody removes the tombstones, and from loads that do
        // not outlast the hold of a tag that they name at their end.
        let is_held = inner.losses == 0 && item.late_tag().is_none();
        let is_lagging = self.is_settled && is_held && seen < owed(floor);
        let is_old = load < floor.moment || is_lagging;
        if is_old {
            let event = inner.past[usize::try_from(row.load).unwrap_or_default()];
            let whose = event.who.map_or('?', Who::letter);
            let text = format!(
                "{who} answers step {step} at {now} ms with {item} by load {}, which {whose} began \
                 at {} ms in step {}; but {}",
                row.load, event.at, event.step, floor.why
            );
            let promise = match floor.why {
                Why::Returned { .. } => "P2",
                Why::Settled { .. } => "P3 or P9",
                _ => "P3",
            };
            inner.find(Verdict::new(promise, text));
        }
    }

    /// Judges how long it took.
    pub(crate) fn ended(&self) {
        let now = self.judge.now();
        let took = now - self.began;
        if took > LONGEST_CALL + self.load {
            let Self { who, step, load, .. } = self;
            let text = format!("{who} took {took} ms for step {step}, whose load takes {load} ms");
            self.judge.find("P4", text);
        }
    }

    /// Judges an error, which is none of the loader's.
    pub(crate) fn failed(&self, error: &str) {
        let text = format!("{} answers step {} with an error: {error}", self.who, self.step);
        self.judge.find("P4", text);
    }
}

/// What the source must have known, which matters where it lags.
fn owed(floor: &Floor) -> Moment {
    match floor.why {
        Why::Settled { .. } => floor.moment,
        _ => 0,
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.judge.inner().calls_open -= 1;
    }
}
