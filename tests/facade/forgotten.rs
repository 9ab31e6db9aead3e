//! Servers that come back having forgotten what they had confirmed (P9).

use std::time::Instant;

use cache_aside::{Cache, CallOptions, Key, Outcome, RedisConfig};
use cache_test_servers::{Flavour, SentinelSet, Server, sentinel_or_return, server_or_return};

use crate::common::{Source, instance_of, on_every_server, until};

on_every_server! {
    an_entry_whose_invalidation_was_confirmed_before_a_restart_from_an_old_snapshot_stays_away
}

const SETTINGS: &str = "remote_timeout = '1s'\ndegraded_ttl = '1ms'";
const USERS: u32 = 20;

fn instance(server: &Server) -> Cache {
    instance_of(RedisConfig::new(&server.url()).unwrap(), SETTINGS)
}

fn keys(cache: &Cache) -> Vec<Key> {
    (0..USERS).map(|user| cache.key("profile").tier("free").user(user)).collect()
}

async fn ask(cache: &Cache, key: &Key, source: &Source) -> (u32, Outcome) {
    let answer = cache.fetch(key, &CallOptions::table(), || source.load()).await.unwrap();
    (*answer.value, answer.outcome)
}

/// Loads entries, and shows that another instance finds them in the server.
async fn share(one: &Cache, two: &Cache, source: &Source) -> u32 {
    for key in keys(one) {
        let (value, _) = ask(one, &key, source).await;
        until("a hit", async || ask(two, &key, source).await.0 == value).await;
    }
    source.loads()
}

/// Asks for everything until the server is used again; nothing from before may come back.
async fn assert_nothing_old(caches: [&Cache; 2], source: &Source, newest_old: u32) {
    let mut found = 0;
    until("entries are shared again", async || {
        for cache in caches {
            for key in keys(cache) {
                let (value, outcome) = ask(cache, &key, source).await;
                assert!(value > newest_old, "{value} was invalidated: {outcome:?}");
                found += u32::from(outcome == Outcome::RemoteHit);
            }
        }
        found >= USERS
    })
    .await;
}

/// Everything is in the old snapshot: entries, numbers, and who the server was.
async fn an_entry_whose_invalidation_was_confirmed_before_a_restart_from_an_old_snapshot_stays_away(
    server: Server,
) {
    let (one, two, source) = (instance(&server), instance(&server), Source::default());
    let newest_old = share(&one, &two, &source).await;
    server.cli(&["SAVE"]);
    for (user, key) in keys(&one).into_iter().enumerate() {
        let told = match user % 2 {
            0 => one.invalidate(&key).await,
            _ => two.invalidate_user(user).await,
        };
        assert!(told.is_ok());
    }

    tokio::task::block_in_place(|| server.restart());
    let back = Instant::now();

    let key = keys(&one).remove(0);
    assert_eq!(server.cli(&["EXISTS", key.as_str()]), "1", "the snapshot has it");
    assert_nothing_old([&one, &two], &source, newest_old).await;
    println!("used again {:?} after the restart", back.elapsed());
    let newcomer = instance(&server);
    assert!(ask(&newcomer, &key, &source).await.0 > newest_old);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_invalidation_a_replica_missed_stays_away_when_it_takes_over() {
    let set = sentinel_or_return!(Flavour::Valkey);
    let urls = set.addresses().into_iter().map(|(host, port)| format!("redis://{host}:{port}"));
    let config = RedisConfig::sentinel(SentinelSet::NAME, urls).unwrap();
    let instance = || instance_of(config.clone(), SETTINGS);
    let (one, two, source) = (instance(), instance(), Source::default());
    let newest_old = share(&one, &two, &source).await;
    tokio::task::block_in_place(|| set.wait_until_copied());
    let (primary, replica) = (set.primary(), set.replica());
    replica.cli(&["CONFIG", "SET", "masteruser", "nobody"]);
    replica.cli(&["CONFIG", "SET", "masterauth", "wrong"]);
    primary.cli(&["CLIENT", "KILL", "TYPE", "replica"]);
    until("the replica is cut off", async || {
        replica.cli(&["INFO", "replication"]).contains("master_link_status:down")
    })
    .await;

    for key in keys(&one) {
        assert!(one.invalidate(&key).await.is_ok());
    }
    primary.kill();

    assert_eq!(replica.cli(&["EXISTS", keys(&one)[0].as_str()]), "1", "it was not told");
    assert_nothing_old([&one, &two], &source, newest_old).await;
}
