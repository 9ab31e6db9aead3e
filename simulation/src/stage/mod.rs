//! A history as it is played: instances, writers and callers, and all that goes wrong.

mod cast;
mod faults;
mod reads;
mod settle;
mod writes;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cache_aside::testing::Seed;
use tokio::runtime::Builder;
use tokio::time::sleep;

use crate::history::{Deed, History};
use crate::judge::{Judge, Verdict};
use crate::net::Net;
use crate::panics;
use crate::trace::Trace;
use cast::Cast;

/// What came of a history.
#[derive(Debug)]
pub struct Report {
    verdict: Option<Verdict>,
    log: Vec<String>,
    story: Vec<String>,
}

impl Report {
    /// Whether the judge was content.
    pub fn is_content(&self) -> bool {
        self.verdict.is_none()
    }

    /// Returns which promise was broken.
    pub fn promise(&self) -> Option<&'static str> {
        self.verdict.as_ref().map(|verdict| verdict.promise)
    }

    /// Returns everything that happened, if it was kept.
    pub fn log(&self) -> &[String] {
        &self.log
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.story.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        match &self.verdict {
            Some(verdict) => write!(f, "{verdict}"),
            None => f.write_str("the judge is content"),
        }
    }
}

impl History {
    /// Plays it, and has every answer judged.
    ///
    /// # Panics
    ///
    /// If there can be no runtime.
    pub fn play(&self) -> Report {
        self.play_with(Arc::new(Trace::new(false)))
    }

    /// As [`play`](Self::play), and keeps what happened.
    ///
    /// # Panics
    ///
    /// If there can be no runtime.
    pub fn tell(&self) -> Report {
        self.play_with(Arc::new(Trace::new(true)))
    }

    fn play_with(&self, trace: Arc<Trace>) -> Report {
        let _seed = Seed::new(self.seed);
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let mut verdict = runtime.block_on(self.perform(Arc::clone(&trace)));
        drop(runtime);
        if let Some(text) = panics::take() {
            verdict = verdict.or(Some(Verdict::new("P4", format!("a panic: {text}"))));
        }
        let (log, story) = trace.take();
        Report { verdict, log, story }
    }

    async fn perform(&self, trace: Arc<Trace>) -> Option<Verdict> {
        let stage = Stage::new(self, trace);
        let pump = tokio::spawn({
            let net = Arc::clone(&stage.net);
            async move { net.pump().await }
        });
        for (index, step) in self.steps.iter().enumerate() {
            if step.after > 0 {
                sleep(Duration::from_millis(step.after)).await;
            }
            stage.act(index + 1, &step.deed);
            if stage.judge.verdict().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        if stage.judge.verdict().is_none() {
            stage.settle(self).await;
        }
        pump.abort();
        stage.judge.verdict()
    }
}

/// Where a history is played.
#[derive(Clone, Debug)]
struct Stage {
    net: Arc<Net>,
    judge: Arc<Judge>,
    cast: Arc<Cast>,
}

impl Stage {
    fn new(history: &History, trace: Arc<Trace>) -> Self {
        let who = history.steps.iter().filter_map(|step| step.deed.who());
        let instances = who.map(|who| who.0 + 1).max().unwrap_or(1);
        let lag = history.weather.hold.map_or(0, |hold| hold / 2);
        // One more, who comes when all is quiet.
        let judge = Arc::new(Judge::new(instances + 1, lag, trace));
        let net = Net::new(history.seed, history.weather, instances + 1, Arc::clone(&judge));
        let net = Arc::new(net);
        let cast = Arc::new(Cast::new(instances, history.weather, &net));
        Self { net, judge, cast }
    }

    fn act(&self, step: usize, deed: &Deed) {
        self.judge.trace.tell(self.judge.now(), || format!("{step}. {deed}"));
        match deed {
            Deed::Guard(who, cover, ms, fate) => self.guard(step, (*who, *cover), *ms, *fate),
            Deed::Invalidate(who, cover, fate) => self.invalidate(step, *who, *cover, *fate),
            Deed::Load(who, item, load, fate) => self.load(step, (*who, *item), *load, *fate),
            Deed::LoadMany(who, items, load, fate) => {
                self.load_many(step, (*who, items), *load, *fate);
            }
            Deed::Peek(who, items, fate) => self.peek(step, *who, items, *fate),
            Deed::Set(who, item, fate) => self.set(step, *who, *item, *fate),
            fault => self.fault(fault),
        }
    }
}
