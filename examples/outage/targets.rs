//! What was to be kept, and whether it was.

use std::time::Duration;

use cache_aside::Settings;
use cache_aside_examples::figures::shown;

use crate::database::QUERY;
use crate::launch::{CALLS, Launch};
use crate::record::{Record, Span};
use crate::traffic::Verdict;

/// What the cache may add to a call while the server is left alone, or to a start without it.
const OWN_TIME: Duration = Duration::from_millis(1);

/// How soon a server that answers is in use.
const BACK_IN: Duration = Duration::from_secs(1);

/// A figure and its limit.
#[derive(Debug)]
pub(crate) struct Target {
    what: String,
    measured: String,
    limit: String,
    is_met: bool,
}

impl Target {
    /// Judges the whole run.
    pub(crate) fn all(record: &Record, launch: &Launch) -> Vec<Self> {
        let mut targets = vec![
            Self::none("errors seen by callers", record, Verdict::Error),
            Self::none("old values after an acknowledged edit", record, Verdict::Old),
        ];
        let outages = || record.spans.iter().copied().filter(|span| span.phase.is_outage());
        let returns = record.spans.iter().copied().filter(|span| span.phase.is_return());
        targets.extend(outages().map(|span| Self::worst_call(record, span)));
        targets.extend(outages().map(|span| Self::left_alone(record, span)));
        targets.extend(returns.map(|span| Self::used_again(record, span)));
        targets.push(Self::start(launch));
        targets
    }

    pub(crate) fn is_met(&self) -> bool {
        self.is_met
    }

    pub(crate) fn print(&self) {
        let verdict = if self.is_met { "met" } else { "NOT MET" };
        println!("{:<46}{:>10}   {:<8}{}", self.what, self.measured, verdict, self.limit);
    }

    fn none(what: &str, record: &Record, verdict: Verdict) -> Self {
        let count = record.count(&(Duration::ZERO..Duration::MAX), verdict);
        let (what, is_met) = (what.to_owned(), count == 0);
        Self { what, measured: count.to_string(), limit: "none".to_owned(), is_met }
    }

    fn at_most(what: String, measured: Duration, limit: Duration, because: &str) -> Self {
        let text = format!("at most {} {because}", shown(limit));
        Self {
            what,
            measured: shown(measured),
            limit: text.trim_end().to_owned(),
            is_met: measured <= limit,
        }
    }

    /// The first calls may wait for `remote_timeout`, then for the database.
    ///
    /// The runtime's timers count in milliseconds: by what the longest query was late, the time-out
    /// may be late, too. The machine's own lateness was measured beside them.
    fn worst_call(record: &Record, span: Span) -> Self {
        let window = span.first_second();
        let what = format!("worst call in the first second {}", span.phase.name());
        let (timeout, load) = (Settings::default().remote_timeout, record.loads(&window).max());
        let late = load.saturating_sub(QUERY) + record.lateness(&window).max();
        let [shown_timeout, shown_load, shown_late] = [timeout, load, late].map(shown);
        let because =
            format!("(remote_timeout {shown_timeout} + load {shown_load} + late {shown_late})");
        Self::at_most(what, record.under_way(&window).max(), timeout + load + late, &because)
    }

    fn left_alone(record: &Record, span: Span) -> Self {
        let given_up = record.given_up(span).unwrap_or(span.to - span.from);
        let window = span.from + given_up..span.to;
        let what = format!("p99 of calls once given up, {}", span.phase.name());
        let load = record.loads(&window).percentile(99);
        let because = format!("(p99 of loads {} + {})", shown(load), shown(OWN_TIME));
        Self::at_most(what, record.reads_begun(&window).percentile(99), load + OWN_TIME, &because)
    }

    fn used_again(record: &Record, span: Span) -> Self {
        let what = format!("in use again after it answers, {}", span.phase.name());
        match record.used_again(span) {
            Some(after) => Self::at_most(what, after, BACK_IN, ""),
            None => {
                Self { what, measured: "never".to_owned(), limit: shown(BACK_IN), is_met: false }
            }
        }
    }

    fn start(launch: &Launch) -> Self {
        let what = format!("start and {CALLS} calls while it is away");
        // What the machine does in between makes a start slower, and none faster.
        let [with, without] = [&launch.with, &launch.without].map(|it| it.percentile(25));
        let because =
            format!("(without a server {} + {}; lower quartiles)", shown(without), shown(OWN_TIME));
        Self::at_most(what, with, without + OWN_TIME, &because)
    }
}
