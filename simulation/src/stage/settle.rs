//! When nothing goes wrong any more, every instance comes to the truth by itself.

use std::time::Duration;

use cache_aside::RemoteState;
use tokio::time::sleep;

use super::Stage;
use crate::catalogue::Item;
use crate::history::{Deed, Fate, History, Load, Loading, Who};
use crate::rules::{SETTLED, WAIT};

/// What ends all is loaded at once.
const LOAD: Load = Load { ms: 0, loading: Loading::Returns };

impl Stage {
    /// Waits until all is quiet, and asks everybody about everything.
    pub(super) async fn settle(&self, history: &History) {
        if history.is_calm() {
            self.pass(SETTLED).await;
            self.judge.count_loads();
        }
        self.pass(longest_fault(history)).await;
        self.net.heal();
        self.pass(SETTLED).await;
        if self.judge.calls_open() > 0 {
            self.judge.find("P4", format!("{} calls never end", self.judge.calls_open()));
        }
        let items = history.items();
        self.judge.settle();
        self.cast.join();
        // From the remote level, then from memory.
        for _ in 0..2 {
            for who in (0..self.cast.count()).map(Who) {
                for item in &items {
                    self.load(0, (who, *item), LOAD, Fate::Ends);
                }
            }
            self.pass(2 * WAIT).await;
        }
        self.see_health().await;
    }

    /// Sees that the remote level is in use again.
    async fn see_health(&self) {
        for who in (0..self.cast.count()).map(Who) {
            let health = self.cast.cache(who).health().await;
            let is_up = health.remote.as_ref().is_some_and(|it| it.state == RemoteState::Up);
            if !is_up {
                self.judge.find("P4", format!("{who} does not recover: {health:?}"));
            }
        }
    }

    /// Lets time pass, unless something is wrong already.
    async fn pass(&self, ms: u64) {
        if self.judge.verdict().is_none() {
            sleep(Duration::from_millis(ms)).await;
        }
    }
}

/// How long after the last step something may still be wrong.
fn longest_fault(history: &History) -> u64 {
    let span = |deed: &Deed| match deed {
        Deed::Hang(ms)
        | Deed::Partition(_, _, ms)
        | Deed::Refuse(ms)
        | Deed::Restart(_, ms)
        | Deed::Slow(_, ms, _) => *ms,
        _ => 0,
    };
    history.steps.iter().map(|step| span(&step.deed)).max().unwrap_or_default()
}

impl History {
    /// Whether nothing is wrong in it, so that no load is made in vain.
    fn is_calm(&self) -> bool {
        let weather = &self.weather;
        let is_fair = weather.spikes == 0 && weather.tells && weather.hold.is_none();
        let is_quick = |deed: &Deed| match deed {
            Deed::Load(_, _, load, _) | Deed::LoadMany(_, _, load, _) => load.ms < WAIT / 2,
            Deed::Guard(..) => false,
            deed => deed.is_calm(),
        };
        let steps = || self.steps.iter().map(|step| &step.deed);
        let is_lasting = weather.short.is_none() && weather.stale.is_none();
        is_fair && is_lasting && steps().all(|deed| deed.is_calm() && is_quick(deed))
    }

    /// Returns the keys that it is about.
    fn items(&self) -> Vec<Item> {
        let about = |deed: &Deed| match deed {
            Deed::Load(_, item, ..) | Deed::Set(_, item, _) => vec![*item],
            Deed::LoadMany(_, items, ..) | Deed::Peek(_, items, _) => items.clone(),
            _ => Vec::new(),
        };
        let mut items: Vec<Item> = self.steps.iter().flat_map(|step| about(&step.deed)).collect();
        items.sort_unstable();
        items.dedup();
        items
    }
}
