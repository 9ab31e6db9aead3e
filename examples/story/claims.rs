//! What each step claims, and whether that is so.

use std::time::Duration;

use cache_aside_examples::figures::shown;

use crate::figures::Figures;
use crate::step::Step;

/// By how much an outage of Redis may slow down the slowest calls of the day.
pub(crate) const SLOWER: u32 = 2;

/// How long an instance takes at most to have Redis back: half a second until it connects again, and
/// `retry_max` of the last steps until it asks.
const BACK_IN: Duration = Duration::from_millis(600);

/// Something that was to be shown.
#[derive(Debug)]
pub(crate) struct Claim {
    words: String,
    pub(crate) is_true: bool,
}

impl Claim {
    fn new(words: impl Into<String>, is_true: bool) -> Self {
        Self { words: words.into(), is_true }
    }

    /// Judges all steps.
    pub(crate) fn all(figures: &[Figures]) -> Vec<Self> {
        let at = |step: Step| figures[step as usize];
        let falls = |step: Step, what: &str, of: fn(&Figures) -> usize, by: usize| {
            let before = figures[step as usize - 1];
            let (before, after) = (of(&before), of(&at(step)));
            let words =
                format!("{}: {what} fall to 1/{by} or less: {before} → {after}", step.name());
            Self::new(words, after * by <= before)
        };
        let mut claims = vec![
            falls(Step::Near, "queries", |it| it.queries, 2),
            falls(Step::SingleFlight, "queries", |it| it.queries, 1),
            falls(Step::SingleFlight, "queries at once", |it| it.at_once, 2),
            falls(Step::Redis, "queries", |it| it.queries, 1),
        ];
        let (before, after) = (at(Step::FailSafe).p99, at(Step::Refresh).p99);
        let words = format!("refresh: p99 falls: {} → {}", shown(before), shown(after));
        claims.push(Self::new(words, after < before));
        claims.extend(figures.iter().map(|it| errors(*it)));
        claims.push(old(at(Step::Redis)));
        claims.extend([Step::Coherence, Step::Outage].map(|step| old(at(step))));
        claims.push(owed(at(Step::Outage)));
        claims.push(outage(at(Step::Coherence).p99, at(Step::Outage).p99));
        claims
    }

    pub(crate) fn print(&self) {
        println!("{}  {}", if self.is_true { "so    " } else { "NOT SO" }, self.words);
    }
}

/// Until there is fail-safe, callers see that the database is away.
fn errors(it: Figures) -> Claim {
    let (name, errors) = (it.step.name(), it.errors);
    if it.step < Step::FailSafe {
        return Claim::new(format!("{name}: callers see errors: {errors}"), errors > 0);
    }
    Claim::new(format!("{name}: callers see no errors: {errors}"), errors == 0)
}

/// Until it hears of edits, an instance serves what is old.
fn old(it: Figures) -> Claim {
    let (name, old) = (it.step.name(), it.old);
    if it.step < Step::Coherence {
        return Claim::new(format!("{name}: some answers are old: {old}"), old > 0);
    }
    Claim::new(format!("{name}: no answer is old: {old}"), old == 0)
}

/// What Redis is owed, others know once the editor's instance has it back.
fn owed(it: Figures) -> Claim {
    let (name, owed, time) = (it.step.name(), it.owed, shown(it.owed_for));
    let most = shown(BACK_IN);
    let words = format!("{name}: no owed edit is missed for over {most}: {owed} for {time}");
    Claim::new(words, it.owed_for <= BACK_IN)
}

fn outage(before: Duration, after: Duration) -> Claim {
    let words = format!(
        "Redis goes away: p99 is at most {SLOWER} times as long: {} → {}",
        shown(before),
        shown(after)
    );
    Claim::new(words, after <= before * SLOWER)
}
