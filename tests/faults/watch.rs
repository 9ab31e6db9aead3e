//! What health says while a fault comes and goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cache_aside::RemoteState;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::traffic::Traffic;

const EVERY: Duration = Duration::from_millis(2);

/// Looks at the health of all instances all the time.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Arc<Mutex<Vec<Sight>>>,
    task: JoinHandle<()>,
}

/// What health said of one instance at one moment.
#[derive(Clone, Debug)]
struct Sight {
    at: Duration,
    instance: usize,
    is_down: bool,
    problem: Option<String>,
}

impl Watch {
    pub(super) fn start(traffic: &Arc<Traffic>) -> Self {
        let seen = Arc::<Mutex<Vec<Sight>>>::default();
        let (traffic, sights) = (Arc::clone(traffic), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                for (instance, cache) in traffic.instances.iter().enumerate() {
                    let Some(remote) = cache.health().await.remote else { continue };
                    let is_down = remote.state == RemoteState::Down;
                    let (at, problem) = (traffic.now(), remote.problem);
                    let sight = Sight { at, instance, is_down, problem };
                    sights.lock().unwrap_or_else(PoisonError::into_inner).push(sight);
                }
                sleep(EVERY).await;
            }
        });
        Self { seen, task }
    }

    /// Returns when the last of the instances left the server alone for the first time in a span;
    /// `None` if one never did.
    pub(super) fn opened(&self, from: Duration, to: Duration) -> Option<Duration> {
        let mut first = BTreeMap::new();
        for sight in self.between(from, to) {
            let first = first.entry(sight.instance).or_insert(None);
            *first = first.or(sight.is_down.then(|| sight.at - from));
        }
        first.into_values().collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Returns what was said to be wrong in a span: all of it, what was said longest first.
    pub(super) fn problems(&self, from: Duration, to: Duration) -> Vec<String> {
        let mut counts = BTreeMap::<String, usize>::new();
        for problem in self.between(from, to).into_iter().filter_map(|sight| sight.problem) {
            *counts.entry(problem).or_default() += 1;
        }
        let mut problems: Vec<_> = counts.into_iter().collect();
        problems.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        problems.into_iter().map(|(problem, _)| problem).collect()
    }

    fn between(&self, from: Duration, to: Duration) -> Vec<Sight> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|sight| (from..to).contains(&sight.at)).cloned().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
