//! One fault under traffic, from before it to after it.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::{
    Cache, CacheBuilder, Clock, MemoryBackend, RedisBackend, RedisConfig, RemoteHealth, TtlTable,
};
use cache_test_servers::{Error, Flavour};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep};

use super::figures::{Figures, Moments};
use super::judge::Floors;
use super::stage::{Fault, Onset, Stage};
use super::traffic::{Log, Traffic};
use super::watch::Watch;

/// How long the parts of a run are.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long all is well before the fault, and again between its preparation and its beginning.
    pub before: Duration,
    /// How long a fault lasts at most.
    pub longest: Duration,
    /// How long all is well after the recovery.
    pub after: Duration,
}

impl Pace {
    /// For the table.
    pub const TABLE: Self = Self {
        before: Duration::from_secs(1),
        longest: Duration::from_secs(5),
        after: Duration::from_millis(500),
    };

    /// For tests.
    pub const TEST: Self = Self {
        before: Duration::from_millis(300),
        longest: Duration::from_millis(1500),
        after: Duration::from_millis(300),
    };
}

/// How long a recovery may take before it counts as none.
const GIVE_UP: Duration = Duration::from_secs(20);
/// How long what only memory has is served, by default: `degraded_ttl`.
const NEAR_ONLY: Duration = Duration::from_secs(5);
/// How long news may be under way after a recovery, on a machine that is busy.
const GRACE: Duration = Duration::from_millis(500);

/// Lets a fault happen and end under traffic, and tells what callers noticed.
///
/// # Errors
///
/// If the servers cannot be had.
///
/// # Panics
///
/// If an instance or a caller does.
pub async fn run(fault: &Fault, flavour: Flavour, pace: Pace) -> Result<Figures, Error> {
    let build = fault.stage;
    let stage = Arc::new(spawn_blocking(move || build(flavour)).await.expect("a stage")?);
    if fault.onset != Onset::Later {
        act(&stage, |stage| (stage.begin)()).await;
    }
    let traffic = Arc::new(Traffic::new(vec![
        instance(&stage.config, stage.clock.clone()),
        instance(&stage.config, None),
    ]));
    let watch = Watch::start(&traffic);
    let tasks = traffic.start();
    let moments = play(fault, pace, &stage, &traffic).await;
    let logs = finish(&traffic, tasks).await;
    settle(&stage, &traffic, &moments).await;
    let openings = traffic.instances.iter().map(|cache| cache.stats().breaker_openings).sum();
    for cache in &traffic.instances {
        cache.close().await;
    }
    Ok(Figures::new(fault, &moments, &logs, &watch, traffic.judge.stale(), openings))
}

/// Waits, lets the fault begin and end, and sees the instances recover.
async fn play(fault: &Fault, pace: Pace, stage: &Arc<Stage>, traffic: &Arc<Traffic>) -> Moments {
    if fault.onset == Onset::Later {
        sleep(pace.before).await;
        act(stage, |stage| (stage.prepare)()).await;
        sleep(pace.before).await;
    }
    let (begun, loads_before) = (traffic.now(), traffic.loads());
    if fault.onset == Onset::Later {
        act(stage, |stage| (stage.begin)()).await;
    }
    sleep(fault.lasts.min(pace.longest)).await;
    let (mut ended, mut loads) = (traffic.now(), traffic.loads() - loads_before);
    let (mut recovered, mut troubles) = (None, 0);
    if fault.onset != Onset::ForEver {
        act(stage, |stage| (stage.end)()).await;
        (ended, loads) = (traffic.now(), traffic.loads() - loads_before);
        recovered = recovery(traffic).await;
        // Without an outage nothing ends what only memory has, which nobody can be told the end of.
        let is_near_only = !fault.opens && traffic.troubles() > 0;
        demand(traffic, if is_near_only { NEAR_ONLY } else { Duration::ZERO }).await;
        troubles = traffic.troubles();
        sleep(pace.after).await;
    }
    Moments { begun, ended, recovered, loads, loads_before, troubles }
}

/// Performs what blocks a thread where it holds nobody up.
async fn act(stage: &Arc<Stage>, act: fn(&Stage)) {
    let stage = Arc::clone(stage);
    spawn_blocking(move || act(&stage)).await.expect("an act of a stage succeeds");
}

async fn finish(traffic: &Traffic, mut tasks: JoinSet<Log>) -> Vec<Log> {
    traffic.end();
    let mut logs = Vec::new();
    while let Some(log) = tasks.join_next().await {
        logs.push(log.expect("no caller panics"));
    }
    logs
}

/// Demands of all instances what has been acknowledged by now, once they have been well for long
/// enough to know it.
async fn demand(traffic: &Traffic, unheard: Duration) {
    let acknowledged = traffic.judge.acknowledged();
    let (begun, mut pause) = (Instant::now(), unheard + GRACE);
    while begun.elapsed() < GIVE_UP {
        let (troubles, were_well) = (traffic.troubles(), are_well(traffic).await);
        sleep(pause).await;
        if were_well && are_well(traffic).await && traffic.troubles() == troubles {
            return traffic.judge.demand_of_all(&acknowledged);
        }
        // On a machine that is too busy they time out now and then, and hear of less.
        pause = NEAR_ONLY + GRACE;
    }
    panic!("the instances do not stay well");
}

/// Waits until each instance finds what the other has stored, and hears of it.
async fn recovery(traffic: &Traffic) -> Option<Duration> {
    let [one, two] = &traffic.instances[..] else { return None };
    let begun = Instant::now();
    for turn in 0_u64.. {
        if are_well(traffic).await
            && finds(one, two, 2 * turn).await
            && finds(two, one, 2 * turn + 1).await
        {
            return Some(begun.elapsed());
        }
        if begun.elapsed() > GIVE_UP {
            break;
        }
        sleep(Duration::from_millis(1)).await;
    }
    None
}

async fn are_well(traffic: &Traffic) -> bool {
    for cache in &traffic.instances {
        let health = cache.health().await;
        let is_told = |remote: &RemoteHealth| remote.is_listening() && remote.owed == 0;
        if !health.is_complete() || !health.remote.as_ref().is_some_and(is_told) {
            return false;
        }
    }
    true
}

async fn finds(one: &Cache, two: &Cache, turn: u64) -> bool {
    let key = one.key("recovery").arg(turn);
    let load = || async { Ok::<_, std::convert::Infallible>(turn) };
    let _ = one.get_or_load(&key, load).await;
    two.get::<u64>(&key).await.is_ok_and(|found| found.is_some())
}

/// With nobody writing any more, asks all for everything, and a newcomer for what the server has.
async fn settle(stage: &Stage, traffic: &Traffic, moments: &Moments) {
    if moments.recovered.is_some() {
        let is_near_only = traffic.troubles() > moments.troubles;
        demand(traffic, if is_near_only { NEAR_ONLY } else { Duration::ZERO }).await;
    }
    let acknowledged = traffic.judge.acknowledged();
    let newcomer = instance(&stage.config, None);
    for (index, common) in acknowledged.into_iter().enumerate() {
        for at in 0..traffic.instances.len() {
            traffic.call(at, index).await;
        }
        let found = newcomer.get::<u64>(&traffic.key(index)).await;
        if let Ok(Some(version)) = found {
            let floors = Floors { own: 0, common };
            traffic.judge.see("a newcomer", index, *version, floors);
        }
    }
    newcomer.close().await;
}

fn instance(config: &RedisConfig, clock: Option<Arc<dyn Clock>>) -> Cache {
    let table = "default = '1m'\n[entities]\nsearch = '1s'";
    let builder = Cache::builder("outages")
        .ttl_table(TtlTable::from_toml(table).expect("the table is right"))
        .near(MemoryBackend::with_max_bytes(16 << 20))
        .remote(RedisBackend::with_config(config.clone()).expect("the address is right"));
    let builder = clock.into_iter().fold(builder, CacheBuilder::clock);
    builder.build().expect("all is right")
}
