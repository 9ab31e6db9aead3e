//! One process of a service, for tests with several of them. Told what to do by its arguments, and
//! when by lines on its standard input.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cache_aside::{Cache, MemoryBackend, RedisBackend, Settings, TtlTable};
use cache_aside_tests::world::{Truth, World};
use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin, stdin};
use tokio::time::sleep;

const ROUNDS: u64 = 5;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let parent = Parent(BufReader::new(stdin()).lines());
    match words[..] {
        ["crowd", redis] => crowd(redis, parent).await,
        ["hold", redis] => hold(redis, parent).await,
        ["use", redis, source, seed, operations] => {
            let number = |text: &str| text.parse().expect("a number");
            under_use(redis, source, number(seed), number(operations), parent).await;
        }
        _ => panic!("usage: instance crowd|hold REDIS | use REDIS SOURCE SEED OPERATIONS"),
    }
}

/// Asks for one cold key a thousand times at once, and says how many loads that caused here.
async fn crowd(redis: &str, mut parent: Parent) {
    let (cache, loads) = (instance(redis), AtomicU64::new(0));
    let load = || async {
        loads.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(20)).await;
        Ok::<_, Infallible>(7_u64)
    };
    let key = cache.key("crowd");
    parent.meet("ready").await;
    let answers = join_all((0..1000).map(|_| cache.get_or_load(&key, load))).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok_and(|value| *value == 7)));
    println!("{}", loads.load(Ordering::SeqCst));
}

/// Takes a lease and never fills it.
async fn hold(redis: &str, parent: Parent) {
    let cache = instance(redis);
    let key = cache.key("held");
    let load = || async move {
        let mut parent = parent;
        parent.meet("loading").await;
        Ok::<_, Infallible>(0_u64)
    };
    let Ok(_) = cache.get_or_load(&key, load).await;
}

/// Two instances under random use; see [`World`].
async fn under_use(redis: &str, source: &str, seed: u64, operations: u64, mut parent: Parent) {
    let world = Arc::new(World::new(redis, Truth::there(source).await, 2));
    for round in 0..ROUNDS {
        world.play(seed.wrapping_add(round << 16), operations / ROUNDS).await;
        parent.meet("done").await;
        parent.meet("told").await;
        world.settle().await;
        parent.meet("settled").await;
    }
    println!("{} near hits", world.near_hits());
}

fn instance(redis: &str) -> Cache {
    let settings = "remote_timeout = '2s'\nlease_ttl = '2500ms'";
    Cache::builder("test")
        .ttl_table(TtlTable::from_toml("default = '1h'").expect("the table is right"))
        .settings(Settings::from_toml(settings).expect("the settings are right"))
        .near(MemoryBackend::with_max_bytes(16 << 20))
        .remote(RedisBackend::new(redis).expect("the address is right"))
        .build()
        .expect("all is right")
}

/// The test that started this process.
struct Parent(Lines<BufReader<Stdin>>);

impl Parent {
    /// Says how far this process is, and waits for the others.
    async fn meet(&mut self, how_far: &str) {
        println!("{how_far}");
        let line = self.0.next_line().await.expect("the test lives");
        assert!(line.is_some(), "the test has ended");
    }
}
