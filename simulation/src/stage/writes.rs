//! Writers.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::{Error, ErrorKind, Invalidation, Result};
use tokio::time::sleep;

use super::Stage;
use crate::catalogue::{Cover, Item};
use crate::history::{Fate, Who};
use crate::judge::{Told, Writing};
use crate::rules::GUARD_TTL;

impl Stage {
    pub(super) fn invalidate(&self, step: usize, who: Who, cover: Cover, fate: Fate) {
        let Some(writing) = self.judge.write(who, step, cover, false) else { return };
        let stage = self.clone();
        self.cast.spawn(who, async move {
            let changes = cover.changes(&stage.cast.cache(who));
            let told = stage.cast.fated(who, fate, changes.invalidate()).await;
            conclude(writing, told);
        });
    }

    pub(super) fn set(&self, step: usize, who: Who, item: Item, fate: Fate) {
        let Some(writing) = self.judge.write(who, step, Cover::Item(item), true) else { return };
        let stage = self.clone();
        self.cast.spawn(who, async move {
            let (cache, row) = (stage.cast.cache(who), Arc::new(writing.row(item)));
            // A writer knows the tag that readers only find with the row.
            let key = item.late_tag().map_or_else(|| item.key(), |tag| item.key().tag(tag));
            let told = stage.cast.fated(who, fate, cache.set(&key, row)).await;
            // A value that is kept here alone is no less of a success.
            conclude(writing, told.map(|told| told.map(|()| Invalidation::Journalled)));
        });
    }

    /// A writer that says what it will change, commits after `ms`, and says that it has.
    pub(super) fn guard(&self, step: usize, (who, cover): (Who, Cover), ms: u64, fate: Fate) {
        let Some(mut writing) = self.judge.write(who, step, cover, false) else { return };
        writing.hold();
        let stage = self.clone();
        self.cast.spawn(who, async move {
            let (cache, judge) = (stage.cast.cache(who), Arc::clone(&stage.judge));
            let began = judge.now();
            let losses = judge.losses();
            let guarded = async {
                let guard = cover.changes(&cache).begin().await?;
                sleep(Duration::from_millis(ms)).await;
                writing.commit();
                // The tombstones last for so long, if nobody removes them.
                if judge.now() - began < GUARD_TTL && judge.losses() == losses {
                    writing.guarded();
                }
                guard.finish().await
            };
            let told = stage.cast.fated(who, fate, guarded).await;
            conclude(writing, told);
        });
    }
}

fn conclude(writing: Writing, told: Option<Result<Invalidation>>) {
    match told {
        Some(Ok(Invalidation::Everywhere)) => writing.told(Told::Everywhere),
        Some(Ok(_)) => writing.told(Told::Journalled),
        Some(Err(error)) => {
            if !is_of_the_remote_level(&error) {
                writing.failed(&error.to_string());
            }
            writing.told(Told::Nothing);
        }
        None => writing.told(Told::Nothing),
    }
}

fn is_of_the_remote_level(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Backend | ErrorKind::Timeout)
}
