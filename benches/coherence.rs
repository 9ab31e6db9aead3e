//! How fast instances agree, and what a crowd waits for: `cargo bench --bench coherence`.
//!
//! Two instances in this process, each with a connection of its own to one server. Times are
//! compared with what the same machine needs for a bare round trip in the same run. Needs
//! `redis-server` or `valkey-server` on the PATH.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_aside::{Cache, Key, MemoryBackend, RedisBackend, TtlTable};
use cache_test_servers::{Flavour, Server};
use redis::aio::MultiplexedConnection;
use tokio::runtime::Runtime;
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

const ROUNDS: usize = 2000;

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let Ok(server) = Server::builder(flavour).start() else { continue };
        println!("{flavour:?}");
        runtime.block_on(heard(&server));
        runtime.block_on(crowd(&server));
        runtime.block_on(side_by_side(&server));
    }
}

fn instance(server: &Server) -> Cache {
    Cache::builder("bench")
        .ttl_table(TtlTable::from_toml("default = '1h'").expect("the table is right"))
        .near(MemoryBackend::with_max_bytes(64 << 20))
        .remote(RedisBackend::new(&server.url()).expect("a right URL"))
        .build()
        .expect("the settings are right")
}

/// From the return of `invalidate` on one instance to the last old answer of the other.
async fn heard(server: &Server) {
    let (one, two) = (instance(server), instance(server));
    let mut wire = connect(server).await;
    let (mut late, mut round_trips) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let key = one.key("profile").user(round as u64 % 100);
        near(&one, &key).await;
        near(&two, &key).await;
        let asking = tokio::spawn(last_old_answer(two.clone(), key.clone()));
        // The other is asking before the edit.
        sleep(Duration::from_micros(300)).await;

        one.invalidate(&key).await.expect("the server answers");

        let returned = Instant::now();
        late.push(asking.await.expect("no panic").saturating_duration_since(returned));
        round_trips.push(time(ping(&mut wire)).await);
    }
    report("invalidate returned → old value refused", &mut late, &mut round_trips);
}

/// Returns when an instance last answered from memory.
async fn last_old_answer(cache: Cache, key: Key) -> Instant {
    let is_near = async || {
        let hits = cache.stats().total().near_hits;
        let _ = cache.get::<u64>(&key).await;
        cache.stats().total().near_hits > hits
    };
    loop {
        let asked = Instant::now();
        if !is_near().await {
            return asked;
        }
        yield_now().await;
    }
}

async fn near(cache: &Cache, key: &Key) {
    loop {
        let hits = cache.stats().total().near_hits;
        let Ok(_) = cache.get_or_load(key, async || Ok::<_, Infallible>(7_u64)).await;
        if cache.stats().total().near_hits > hits {
            return;
        }
    }
}

/// A thousand callers of one cold key, whose load takes 20 ms.
async fn crowd(server: &Server) {
    const LOAD: Duration = Duration::from_millis(20);
    let (cache, loads) = (instance(server), Arc::new(AtomicU64::new(0)));
    near(&cache, &cache.key("first")).await;
    let mut slowest = Vec::new();
    for round in 0..20_u64 {
        let mut calls = JoinSet::new();
        for _ in 0..1000 {
            let (cache, loads) = (cache.clone(), Arc::clone(&loads));
            calls.spawn(async move {
                let key = cache.key("crowd").arg(round);
                let load = || async {
                    loads.fetch_add(1, Ordering::SeqCst);
                    sleep(LOAD).await;
                    Ok::<_, Infallible>(7_u64)
                };
                time(async { cache.get_or_load(&key, load).await.map(drop) }).await
            });
        }
        slowest.extend(calls.join_all().await.into_iter().max());
    }
    let loads = loads.load(Ordering::SeqCst) as f64 / 20.0;
    let ratio = median(&mut slowest).as_secs_f64() / LOAD.as_secs_f64();
    println!("  1,000 callers, one cold key: slowest / its load {ratio:.2}, loads {loads:.1}");
}

/// 300 cold keys, whose loads take 100 ms each.
async fn side_by_side(server: &Server) {
    const LOAD: Duration = Duration::from_millis(100);
    let cache = instance(server);
    near(&cache, &cache.key("first")).await;
    let mut calls = JoinSet::new();
    let started = Instant::now();
    for id in 0..300 {
        let cache = cache.clone();
        calls.spawn(async move {
            let load = || async {
                sleep(LOAD).await;
                Ok::<_, Infallible>(7_u64)
            };
            let Ok(_) = cache.get_or_load(&cache.key("cold").arg(id), load).await;
        });
    }
    calls.join_all().await;
    let ratio = started.elapsed().as_secs_f64() / LOAD.as_secs_f64();
    println!("  300 cold keys side by side: all / one load {ratio:.2}");
}

async fn connect(server: &Server) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).expect("a right URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

async fn ping(wire: &mut MultiplexedConnection) {
    let () = redis::cmd("PING").exec_async(wire).await.expect("an answer");
}

async fn time(work: impl Future) -> Duration {
    let started = Instant::now();
    work.await;
    started.elapsed()
}

fn report(what: &str, times: &mut [Duration], round_trips: &mut [Duration]) {
    let (p50, p99) = (median(times), part(times, 99));
    let bare = median(round_trips);
    let ratio = |time: Duration| time.as_secs_f64() / bare.as_secs_f64();
    println!(
        "  {what}: p50 {p50:.0?}, p99 {p99:.0?}; {:.2} and {:.2} bare round trips of {bare:.0?}",
        ratio(p50),
        ratio(p99),
    );
}

fn median(times: &mut [Duration]) -> Duration {
    part(times, 50)
}

fn part(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[times.len() * percent / 100]
}
