//! The promises about groups.

use std::time::Duration;

use futures_util::future::join_all;

use super::{LONG, fresh_key};
use crate::backend::{AdvanceOptions, Backend};
use crate::group::{Generation, Group};

async fn generations(backend: &dyn Backend, groups: &[Group]) -> Vec<Generation> {
    let generations = backend.generations(groups, LONG).await.expect("generations");
    assert_eq!(generations.len(), groups.len(), "one answer for each");
    generations
}

/// All who ask agree on it, at once and later.
pub async fn a_missing_generation_is_made_once(backend: &dyn Backend) {
    let groups: Vec<_> = fresh_key().user(rand::random::<u64>()).groups().collect();

    let asked = (0..20).map(|_| generations(backend, &groups));
    let answers = join_all(asked).await;

    let later = generations(backend, &groups).await;
    assert!(answers.iter().all(|answer| *answer == later));
    assert!(backend.generations(&[], LONG).await.expect("generations").is_empty());
}

/// It never had that one before; other groups keep theirs.
pub async fn a_group_that_is_advanced_gets_another_generation(backend: &dyn Backend) {
    let his = fresh_key().user(rand::random::<u64>()).groups().last().expect("a group");
    let hers = fresh_key().user(rand::random::<u64>()).groups().last().expect("a group");
    let groups = [his.clone(), hers];
    let before = generations(backend, &groups).await;

    backend.advance(&[his], &AdvanceOptions::new(LONG)).await.expect("advance");

    let after = generations(backend, &groups).await;
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1], after[1]);
}

/// A held generation is another one, and told from others; after it the group has a fresh one.
pub async fn a_held_generation_is_gone_after_its_hold(backend: &dyn Backend) {
    let group = [fresh_key().user(rand::random::<u64>()).groups().last().expect("a group")];
    let before = generations(backend, &group).await[0];

    let options = AdvanceOptions::new(LONG).hold(Some(Duration::from_millis(150)));
    backend.advance(&group, &options).await.expect("advance");

    let during = generations(backend, &group).await[0];
    assert!(during.is_held() && during != before);
    let mut after = during;
    while after.is_held() {
        tokio::time::sleep(Duration::from_millis(2)).await;
        after = generations(backend, &group).await[0];
    }
    assert!(after != before);
    assert_eq!(generations(backend, &group).await[0], after);
}
