//! P3: what one instance or another program changes, every instance hears. On real servers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cache_aside::{Cache, CallOptions, Key, Outcome, RedisBackend, RedisConfig};
use cache_test_servers::{Flavour, Server, server_or_return};
use serde::{Deserialize, Serialize};

use crate::common::{Source, instance_of, listening, memory, newer, on_every_server, until, warm};

on_every_server! {
    a_connection_that_is_killed_costs_what_was_near
    a_fill_is_near_at_the_next_call
    a_hung_server_ends_near_entries_in_time
    a_user_confined_to_the_namespace_is_enough
    a_value_that_is_near_only_lives_for_the_degraded_ttl
    an_edit_ends_the_near_copies_of_other_instances
    another_program_is_heard
    waiting_instances_are_woken_by_the_fill
    commands_per_call_are_counted
}

/// An instance whose near entries only end in time if somebody tells it.
fn instance(server: &Server) -> Cache {
    let settings = "remote_timeout = '1s'\ndegraded_ttl = '1h'\nmax_silence = '10s'";
    instance_with(server, settings)
}

fn instance_with(server: &Server, settings: &str) -> Cache {
    instance_of(RedisConfig::new(&server.url()).unwrap(), settings)
}

async fn an_edit_ends_the_near_copies_of_other_instances(server: Server) {
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    let key = one.key("profile").tier("free").user(1);
    let first = warm(&one, &key, &source).await;
    assert_eq!(warm(&two, &key, &source).await, first);

    one.invalidate(&key).await.unwrap();
    let second = newer(&two, &key, &source, first).await;
    warm(&one, &key, &source).await;
    one.invalidate_user(1).await.unwrap();
    let third = newer(&two, &key, &source, second).await;
    warm(&two, &key, &source).await;
    one.clear().await.unwrap();
    newer(&two, &key, &source, third).await;
}

async fn another_program_is_heard(server: Server) {
    let (cache, source) = (instance(&server), Source::default());
    let key = cache.key("profile").user(1);
    let commands: [&[&str]; 4] = [
        &["DEL", "test:profile:-:@1"],
        &["SET", "test:profile:-:@1", "junk"],
        &["DEL", "test:!user:@1"],
        &["FLUSHALL"],
    ];
    let mut value = warm(&cache, &key, &source).await;
    for command in commands {
        server.cli(command);
        value = newer(&cache, &key, &source, value).await;
        assert_eq!(warm(&cache, &key, &source).await, value, "{command:?}");
    }
    server.cli(&["PEXPIRE", "test:profile:-:@1", "1"]);
    newer(&cache, &key, &source, value).await;
}

/// A script's own write is told back to its client, in spite of `NOLOOP`: taken for somebody else's,
/// it would end the copy; swallowed, it would hide somebody else's.
async fn a_fill_is_near_at_the_next_call(server: Server) {
    let (cache, source) = (instance(&server), Source::default());
    warm(&cache, &cache.key("first"), &source).await;
    for user in 0..50 {
        let key = cache.key("profile").user(user);
        assert_eq!(outcomes(&cache, &key, &source).await, [Outcome::Loaded, Outcome::NearHit]);

        cache.set(&key, Arc::new(0_u32)).await.unwrap();

        assert_eq!(outcomes(&cache, &key, &source).await, [Outcome::NearHit, Outcome::NearHit]);
        // An entry that has ended is replaced: the lease is put in its place by a script too.
        cache.invalidate_user(user).await.unwrap();
        assert_eq!(outcomes(&cache, &key, &source).await, [Outcome::Loaded, Outcome::NearHit]);
    }
    assert_eq!(source.loads(), 101);
}

/// Asks twice.
async fn outcomes(cache: &Cache, key: &Key, source: &Source) -> [Outcome; 2] {
    let options = CallOptions::table();
    let ask = async || cache.fetch(key, &options, || source.load()).await.unwrap().outcome;
    [ask().await, ask().await]
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
}

/// Nobody is told when others invalidate what is not in Redis.
async fn a_value_that_is_near_only_lives_for_the_degraded_ttl(server: Server) {
    let settings = "remote_timeout = '1s'\ndegraded_ttl = '50ms'";
    let (one, two) = (instance_with(&server, settings), instance(&server));
    let source = Source::default();
    warm(&one, &one.key("first"), &source).await;
    let key = one.key("untagged");
    let ask = async || {
        let load = || async { source.load().await.map(Untagged::Number) };
        let Untagged::Number(number) = *one.get_or_load(&key, load).await.unwrap();
        number
    };
    let first = ask().await;

    two.invalidate(&key).await.unwrap();

    until("it is loaded again", async || ask().await > first).await;
}

async fn a_connection_that_is_killed_costs_what_was_near(server: Server) {
    let (cache, source) = (instance(&server), Source::default());
    let key = cache.key("profile").user(1);
    let value = warm(&cache, &key, &source).await;
    let options = CallOptions::table();

    server.disconnect_clients();

    until("near is not trusted any more", async || {
        let answer = cache.fetch(&key, &options, || source.load()).await.unwrap();
        answer.outcome != Outcome::NearHit
    })
    .await;
    assert_eq!(warm(&cache, &key, &source).await, value);
}

async fn a_hung_server_ends_near_entries_in_time(server: Server) {
    let settings = "remote_timeout = '50ms'\ndegraded_ttl = '100ms'\nmax_silence = '200ms'";
    let (cache, source) = (instance_with(&server, settings), Source::default());
    let key = cache.key("profile").user(1);
    let value = warm(&cache, &key, &source).await;

    until("the watchdog is answered", async || heard_ago(&cache).await < 400).await;
    server.stop();
    newer(&cache, &key, &source, value).await;
    until("health tells of the silence", async || heard_ago(&cache).await > 400).await;

    server.resume();
    until("health tells of its end", async || heard_ago(&cache).await < 400).await;
    until("it is heard again", async || {
        cache.get_or_load(&key, || source.load()).await.unwrap();
        listening(&cache).await && cache.health().await.is_complete()
    })
    .await;
}

async fn heard_ago(cache: &Cache) -> u64 {
    cache.health().await.remote.unwrap().heard_ms_ago.unwrap()
}

/// The rule that `docs/keys.md` states, word by word.
async fn a_user_confined_to_the_namespace_is_enough(server: Server) {
    let docs = include_str!("../../docs/keys.md");
    let rule = docs.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap();
    let rule = rule.replace("atlas", "test").replace("…", "secret");
    server.cli(&rule.split_whitespace().collect::<Vec<_>>());
    let url = server.url_as("test", "secret");
    let instance = || {
        let backend = RedisBackend::new(&url).unwrap();
        Cache::builder("test").near(memory()).remote(backend).build().unwrap()
    };
    let (one, two, source) = (instance(), instance(), Source::default());
    let key = one.key("profile").tier("free").user(1);

    let first = warm(&one, &key, &source).await;
    assert_eq!(warm(&two, &key, &source).await, first);
    one.invalidate(&key).await.unwrap();
    let second = newer(&two, &key, &source, first).await;
    one.invalidate_user(1).await.unwrap();
    newer(&two, &key, &source, second).await;

    let stats = [one.stats(), two.stats()];
    assert!(stats.iter().all(|stats| stats.remote_errors == 0 && stats.total().remote_hits > 0));
}

/// They do not ask again and again: while news come, a look now and then, four a second, is for lost
/// leases only.
async fn waiting_instances_are_woken_by_the_fill(server: Server) {
    const ROUNDS: u32 = 10;
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    // The generations of the keys' groups are known from here on.
    warm(&one, &one.key("first"), &source).await;
    warm(&two, &two.key("first"), &source).await;
    let load = || async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        source.load().await
    };
    let (before, started) = (commands(&server), Instant::now());

    for round in 0..ROUNDS {
        let key = one.key("first").arg(round);
        let (first, second) =
            tokio::join!(one.get_or_load(&key, load), two.get_or_load(&key, load));
        assert_eq!(first.unwrap(), second.unwrap());
    }

    let (asked, took) = (commands(&server) - before, started.elapsed());
    assert_eq!(source.loads(), 1 + ROUNDS);
    // Three for the load, one that finds the lease, one that finds the entry; some for slowness.
    assert!(asked <= u64::from(7 * ROUNDS), "{asked} commands");
    assert!(took < ROUNDS * Duration::from_millis(200), "a look now and then in {took:?}");
}

async fn commands_per_call_are_counted(server: Server) {
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    warm(&one, &one.key("profile").user(0), &source).await;
    warm(&two, &two.key("profile").user(0), &source).await;
    // The generations of these groups are known from here on.
    let keys = [one.key("profile").user(0).arg(1), one.key("profile").user(0).arg(2)];

    let before = commands(&server);
    one.get_or_load(&keys[0], || source.load()).await.unwrap();
    let missed = commands(&server);
    two.get_or_load(&keys[0], || source.load()).await.unwrap();
    let hit = commands(&server);
    warm(&two, &keys[0], &source).await;
    let warmed = commands(&server);
    two.get_or_load(&keys[0], || source.load()).await.unwrap();
    let near = commands(&server);
    one.invalidate(&keys[0]).await.unwrap();
    let removed = commands(&server);
    one.invalidate_user(0).await.unwrap();
    let ended = commands(&server);
    one.invalidate_tag("rust").await.unwrap();
    let untagged = commands(&server);

    assert_eq!(missed - before, 3, "a look-up that takes the lease, a fill, and a look at it");
    assert_eq!(hit - missed, 1, "a remote hit is one command");
    assert_eq!(near - warmed, 0, "a near hit is none");
    assert_eq!(removed - near, 1);
    assert_eq!(ended - removed, 1);
    assert_eq!(untagged - ended, 2, "a tag, and before it what moves with every tag");
}

/// Commands of clients so far; what scripts call inside the server, and pings, are not counted.
fn commands(server: &Server) -> u64 {
    let stats = server.cli(&["INFO", "commandstats"]);
    let calls = |name: &str| -> u64 {
        let line =
            stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    };
    let names = ["set", "get", "mget", "del", "evalsha", "eval", "getrange"];
    // A fill is one script, which calls GETRANGE and SET.
    names.into_iter().map(calls).sum::<u64>() - 2 * (calls("evalsha") + calls("eval"))
}
