//! Hits against the bare libraries, interleaved in one run: `cargo bench --bench ratios`.
//!
//! Each line is the median of rounds in which both sides take turns, so that a busy machine slows
//! both alike. Needs `redis-server` or `valkey-server` on the PATH for the remote part.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_aside::{Cache, RedisBackend};
use cache_aside_benches::{Plan, Profile, Profiles, USERS, zipf};
use cache_test_servers::{Flavour, Server};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::runtime::Runtime;

const ROUNDS: usize = 41;

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    println!("{:<44} {:>10} {:>10} {:>7}", "median time per call", "ours", "bare", "ratio");
    runtime.block_on(near());
    runtime.block_on(remote());
}

/// A near hit through `#[cached]` against moka with a key made beforehand.
async fn near() {
    let profiles = Profiles::near().await;
    let bare = moka::future::Cache::new(USERS);
    for user in 0..USERS {
        bare.insert(name(user), Arc::new(Profile::of(user))).await;
    }
    let users = zipf(20_000);
    let keys: Vec<String> = users.iter().map(|user| name(*user)).collect();
    let ours = async || {
        for user in &users {
            let _ = black_box(profiles.profile(Plan::Studio, *user).await);
        }
    };
    let theirs = async || {
        for key in &keys {
            black_box(bare.get(key.as_str()).await);
        }
    };
    compare("near hit through the macro / moka get", users.len(), ours, theirs).await;
}

/// A remote hit against `GET` of the same bytes and decoding them.
async fn remote() {
    let start = |flavour| Server::builder(flavour).start();
    let server = start(Flavour::Valkey).or_else(|_| start(Flavour::Redis)).expect("a server");
    let backend = RedisBackend::new(&server.url()).expect("a right URL");
    let profiles = Profiles::over(Cache::builder("bench").remote(backend));
    profiles.load_all().await;
    assert!(profiles.cache.stats().remote_errors == 0, "the server does not answer");
    let bare = store_bare(&server.url()).await;
    let users = zipf(500);
    let ours = async || {
        for user in &users {
            let _ = black_box(profiles.profile(Plan::Studio, *user).await);
        }
    };
    let theirs = async || {
        for user in &users {
            black_box(get_bare(&mut bare.clone(), *user).await);
        }
    };
    compare("remote hit / GET and decode", users.len(), ours, theirs).await;
    let total = profiles.cache.stats().total();
    assert_eq!(total.loads, USERS, "every measured call was a remote hit");
}

async fn store_bare(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("a right URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    for user in 0..USERS {
        let bytes = bincode::serde::encode_to_vec(Profile::of(user), bincode::config::standard());
        let () = connection.set(name(user), bytes.expect("encodes")).await.expect("SET");
    }
    connection
}

async fn get_bare(connection: &mut MultiplexedConnection, user: u64) -> Profile {
    let bytes: Vec<u8> = connection.get(name(user)).await.expect("GET");
    let decoded = bincode::serde::decode_from_slice(&bytes, bincode::config::standard());
    decoded.expect("decodes").0
}

fn name(user: u64) -> String {
    format!("bench:profile:studio:{user}")
}

/// Lets both sides take turns and prints the medians and their ratio.
async fn compare<A: Future, B: Future>(
    what: &str,
    calls: usize,
    mut ours: impl FnMut() -> A,
    mut theirs: impl FnMut() -> B,
) {
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.0.push(time(ours()).await);
        times.1.push(time(theirs()).await);
    }
    let per_call = |times: Vec<Duration>| median(times).as_nanos() as f64 / calls as f64;
    let (ours, theirs) = (per_call(times.0), per_call(times.1));
    println!("{what:<44} {ours:>7.0} ns {theirs:>7.0} ns {:>7.2}", ours / theirs);
}

async fn time(work: impl Future) -> Duration {
    let started = Instant::now();
    work.await;
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
