//! The instances: who lives, and what each of them is doing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use cache_aside::{Cache, TtlTable};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use crate::catalogue::{NAMESPACE, table};
use crate::clock::SteppedClock;
use crate::history::{Fate, Weather, Who};
use crate::line::Line;
use crate::near::Shelf;
use crate::net::Net;
use crate::rules::settings;

/// The instances.
#[derive(Debug)]
pub(super) struct Cast {
    weather: Weather,
    table: TtlTable,
    net: Arc<Net>,
    start: Instant,
    instances: Mutex<Vec<Instance>>,
}

#[derive(Debug)]
struct Instance {
    cache: Cache,
    line: Line,
    clock: Arc<SteppedClock>,
    tasks: Vec<AbortHandle>,
}

impl Cast {
    pub(super) fn new(count: usize, weather: Weather, net: &Arc<Net>) -> Self {
        let instances = Mutex::default();
        let (table, net, start) = (table(weather), Arc::clone(net), Instant::now());
        let cast = Self { weather, table, net, start, instances };
        let born = (0..count).map(|who| cast.birth(Who(who))).collect();
        *cast.instances() = born;
        cast
    }

    /// Returns the cache of an instance.
    pub(super) fn cache(&self, who: Who) -> Cache {
        self.instances()[who.0].cache.clone()
    }

    pub(super) fn weather(&self) -> Weather {
        self.weather
    }

    pub(super) fn count(&self) -> usize {
        self.instances().len()
    }

    /// Adds an instance, and returns who it is.
    pub(super) fn join(&self) -> Who {
        let who = Who(self.count());
        let newcomer = self.birth(who);
        self.instances().push(newcomer);
        who
    }

    /// Sets an instance's wall clock.
    pub(super) fn step_clock(&self, who: Who, ms: i64) {
        self.instances()[who.0].clock.step(ms);
    }

    /// Has an instance do something that dies with it.
    pub(super) fn spawn(&self, who: Who, doing: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(doing).abort_handle();
        let tasks = &mut self.instances()[who.0].tasks;
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    /// Ends an instance at once, whatever it is doing; another takes its place.
    pub(super) fn crash(&self, who: Who) {
        let judge = self.net.judge();
        judge.trace.tell(judge.now(), || format!("{who} dies"));
        judge.died(who);
        let newborn = self.birth(who);
        let dead = std::mem::replace(&mut self.instances()[who.0], newborn);
        dead.line.die();
        dead.tasks.iter().for_each(AbortHandle::abort);
    }

    /// Lets a call meet its fate; `None` if it is given up.
    pub(super) async fn fated<T>(
        &self,
        who: Who,
        fate: Fate,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        match fate {
            Fate::CrashAt(polls) => {
                let ended = until_poll(polls, call).await;
                if ended.is_none() {
                    self.crash(who);
                }
                ended
            }
            Fate::DropAfter(ms) => timeout(Duration::from_millis(ms), call).await.ok(),
            Fate::DropAt(polls) => until_poll(polls, call).await,
            Fate::Ends => Some(call.await),
        }
    }

    fn birth(&self, who: Who) -> Instance {
        let line = Line::new(who, Arc::clone(&self.net));
        let clock = Arc::new(SteppedClock::new(self.start));
        let cache = Cache::builder(NAMESPACE)
            .ttl_table(self.table.clone())
            .settings(settings(self.weather.hold, self.weather.journal))
            .near(Shelf::new(self.weather.places))
            .remote(line.clone())
            .clock(Arc::<SteppedClock>::clone(&clock))
            .build()
            .expect("all is right");
        Instance { cache, line, clock, tasks: Vec::new() }
    }

    fn instances(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Polls a future at most `polls` times.
async fn until_poll<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
