//! Calls, and what their loaders do.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::{CallOptions, Loaded};
use tokio::time::sleep;

use super::Stage;
use crate::catalogue::Item;
use crate::history::{Fate, Load, Loading, Who};
use crate::judge::{Judge, Row};
use crate::panics::TOLD_TO;

/// The loader was told to fail.
#[derive(Debug)]
struct Failed;

impl Stage {
    pub(super) fn load(&self, step: usize, (who, item): (Who, Item), load: Load, fate: Fate) {
        let stage = self.clone();
        self.cast.spawn(who, async move {
            let cache = stage.cast.cache(who);
            let call = stage.judge.ask(who, step, &[item], load.ms);
            let source = Source { judge: Arc::clone(&stage.judge), who, step, load };
            let loader = move || async move {
                let row = source.one(item).await?;
                let loaded = Loaded::new(row);
                Ok(item.late_tag().into_iter().fold(loaded, Loaded::tag))
            };
            let (key, options) = (item.key(), CallOptions::table());
            let answer = if stage.cast.weather().is_owned {
                let answer = cache.fetch_owned::<Row, Failed, _, _>(&key, &options, loader);
                stage.cast.fated(who, fate, answer).await
            } else {
                let answer = cache.fetch_loaded::<Row, Failed, _, _>(&key, &options, loader);
                stage.cast.fated(who, fate, answer).await
            };
            match answer {
                Some(Ok(answer)) => call.answered(item, *answer.value),
                Some(Err(Failed)) if load.loading == Loading::Returns => {
                    call.failed("its loader does not fail");
                }
                Some(Err(Failed)) | None => stage.judge.excuse(&[item]),
            }
            call.ended();
        });
    }

    pub(super) fn load_many(
        &self,
        step: usize,
        (who, items): (Who, &[Item]),
        load: Load,
        fate: Fate,
    ) {
        // Those whose tags only their loader knows have to be left out.
        let items: Vec<Item> =
            items.iter().copied().filter(|item| item.late_tag().is_none()).collect();
        let stage = self.clone();
        self.cast.spawn(who, async move {
            let cache = stage.cast.cache(who);
            // The loader may be asked twice.
            let call = stage.judge.ask(who, step, &items, 2 * load.ms);
            let source = Source { judge: Arc::clone(&stage.judge), who, step, load };
            let keys: Vec<_> = items.iter().map(|item| item.key()).collect();
            let loader = |missing: Vec<usize>| {
                let wanted: Vec<Item> = missing.into_iter().map(|place| items[place]).collect();
                let source = source.clone();
                async move { source.many(wanted).await }
            };
            let answer = cache.get_or_load_many::<Row, Failed, _, _>(&keys, loader);
            let answer = stage.cast.fated(who, fate, answer).await;
            match answer {
                Some(Ok(rows)) => items.iter().zip(rows).for_each(|(item, row)| match row {
                    Some(row) => call.answered(*item, *row),
                    None => call.failed("there is no value, though the loader knows one"),
                }),
                Some(Err(Failed)) if load.loading == Loading::Returns => {
                    call.failed("its loader does not fail");
                }
                Some(Err(Failed)) | None => stage.judge.excuse(&items),
            }
            call.ended();
        });
    }

    pub(super) fn peek(&self, step: usize, who: Who, items: &[Item], fate: Fate) {
        let (stage, items) = (self.clone(), items.to_vec());
        self.cast.spawn(who, async move {
            let cache = stage.cast.cache(who);
            let call = stage.judge.ask(who, step, &items, 0);
            let keys: Vec<_> = items.iter().map(|item| item.key()).collect();
            let rows = stage.cast.fated(who, fate, cache.get_many::<Row>(&keys)).await;
            match rows {
                Some(Ok(rows)) => items.iter().zip(rows).for_each(|(item, row)| {
                    row.into_iter().for_each(|row| call.answered(*item, *row));
                }),
                Some(Err(error)) => call.failed(&error.to_string()),
                None => {}
            }
            call.ended();
        });
    }
}

/// What knows the truth, as one call asks it.
#[derive(Clone, Debug)]
struct Source {
    judge: Arc<Judge>,
    who: Who,
    step: usize,
    load: Load,
}

impl Source {
    async fn one(self, item: Item) -> Result<Row, Failed> {
        let row = self.judge.load(self.who, self.step, item);
        self.outcome().await?;
        Ok(row)
    }

    async fn many(self, items: Vec<Item>) -> Result<Vec<Option<Row>>, Failed> {
        let load = |item: &Item| Some(self.judge.load(self.who, self.step, *item));
        let rows = items.iter().map(load).collect();
        self.outcome().await?;
        Ok(rows)
    }

    async fn outcome(self) -> Result<(), Failed> {
        if self.load.ms > 0 {
            sleep(Duration::from_millis(self.load.ms)).await;
        }
        match self.load.loading {
            Loading::Fails => Err(Failed),
            Loading::Panics => {
                panic!("{TOLD_TO}");
            }
            Loading::Returns => Ok(()),
        }
    }
}
