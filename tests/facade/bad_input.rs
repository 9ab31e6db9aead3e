//! What others do to our keys: garbage, neighbours, eviction. On real servers.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::{Cache, Key, RedisBackend, Settings};
use cache_aside_tests::world::{ROWS, Truth, World};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{SlowLoad, Source, memory, on_every_server, until};

on_every_server! {
    a_lease_overwritten_by_hand_costs_its_fill_and_no_answer
    garbage_in_every_place_is_counted_and_replaced
    neighbours_with_names_like_ours_are_not_touched_nor_heard
    while_the_server_evicts_no_answer_is_old
}

fn instance(server: &Server, namespace: &str) -> Cache {
    let settings = "remote_timeout = '2s'\nwait = '1h'\nlease_ttl = '2500ms'";
    Cache::builder(namespace)
        .settings(Settings::from_toml(settings).unwrap())
        .near(memory())
        .remote(RedisBackend::new(&server.url()).unwrap())
        .build()
        .unwrap()
}

/// Whatever stands where an entry, its lease, a tombstone or a generation is expected.
async fn garbage_in_every_place_is_counted_and_replaced(server: Server) {
    let stamp = |mark: u8, rest: &[u8]| [&[mark, 1], rest].concat();
    let junk: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"junk".to_vec(),
        vec![0xCA],
        vec![0xCB; 18],
        stamp(0xCA, &[7; 16]),
        stamp(0xCA, &[0xFF; 200]),
        stamp(0xCB, &[7; 40]),
        vec![0xFF; 100_000],
    ];
    let (cache, source) = (instance(&server, "test"), Source::default());
    let key = cache.key("profile").tier("free").user(1).tag("rust");
    let groups = ["all", "entity:profile", "tier:free", "user:@1", "tag:rust", "tag"];
    for bytes in &junk {
        let before = cache.stats().flaws.values().sum::<u64>();
        server.cli(&[b"SET", key.as_bytes(), bytes]);
        until("it is heard, counted and replaced", async || {
            cache.get_or_load(&key, || source.load()).await.unwrap();
            cache.stats().flaws.values().sum::<u64>() > before
        })
        .await;
        assert_ne!(server.cli(&["GET", key.as_str()]), String::from_utf8_lossy(bytes));
        for group in groups {
            let group = format!("test:!{group}");
            server.cli(&[b"SET", group.as_bytes(), bytes]);
            let loaded = source.loads();
            until("what it ended is loaded", async || {
                cache.get_or_load(&key, || source.load()).await.unwrap();
                source.loads() > loaded || group == "test:!tag"
            })
            .await;
        }
    }
    let list = ["RPUSH", "test:!user:@1", "not a string"];
    server.cli(&["DEL", list[1]]);
    server.cli(&list);
    let loads = source.loads();
    until("a number in the place of a list", async || {
        cache.get_or_load(&key, || source.load()).await.unwrap();
        source.loads() > loads
    })
    .await;
    until("the entry is near", async || cache.get::<u32>(&key).await.unwrap().is_some()).await;
    assert_eq!(cache.stats().breaker_openings, 0, "garbage is no outage");
}

async fn a_lease_overwritten_by_hand_costs_its_fill_and_no_answer(server: Server) {
    let (one, two) = (instance(&server, "test"), instance(&server, "test"));
    let source = Source::default();
    for (round, junk) in [&b"junk"[..], &[0xCB; 18], b""].into_iter().enumerate() {
        let key = one.key("profile").arg(round);
        let load = SlowLoad::start(&one, &key, 7).await;
        server.cli(&[b"SET", key.as_bytes(), junk]);

        assert_eq!(load.finish().await, 7);

        assert!(*two.get_or_load(&key, || source.load()).await.unwrap() < 7);
        until("it is stored", async || two.get::<u32>(&key).await.unwrap().is_some()).await;
    }
    assert_eq!(one.stats().fenced_fills, 3);
}

/// Namespaces that begin alike, and a stranger's keys that do.
async fn neighbours_with_names_like_ours_are_not_touched_nor_heard(server: Server) {
    let names = ["shop", "shop2", "shop:eu", "sho", "shop%3Aeu"];
    let caches = names.map(|name| instance(&server, name));
    let sources = names.map(|_| Source::default());
    let key = |cache: &Cache| -> Key { cache.key("profile").tier("free").user(1) };
    let ask = async |at: usize| {
        let cache: &Cache = &caches[at];
        *cache.get_or_load(&key(cache), || sources[at].load()).await.unwrap()
    };
    for (at, cache) in caches.iter().enumerate() {
        assert_eq!(ask(at).await, 1);
        until("it is near", async || {
            ask(at).await;
            cache.stats().total().near_hits > 0
        })
        .await;
    }
    server.cli(&["SET", "shop", "a stranger's"]);
    server.cli(&["SET", "shopping:list", "a stranger's"]);
    let news: Vec<u64> = caches.iter().map(|cache| cache.stats().news).collect();

    caches[0].clear().await.unwrap();
    caches[0].invalidate_user(1).await.unwrap();
    server.cli(&["DEL", "shop2:profile:free:@2"]);

    assert_eq!(ask(0).await, 2);
    for at in 1..names.len() {
        assert_eq!(ask(at).await, 1, "{}", names[at]);
        assert_eq!(caches[at].stats().news, news[at], "{} heard of it", names[at]);
    }
    assert_eq!(server.cli(&["GET", "shop"]), "a stranger's");
}

/// Generations, leases and entries go at any time, while the judge of the oracle watches.
async fn while_the_server_evicts_no_answer_is_old(server: Server) {
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]);
    let used = server.cli(&["INFO", "memory"]);
    let used = used.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let limit = used.trim().parse::<u64>().unwrap() + 1_000_000;
    server.cli(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    let world = Arc::new(World::new(&server.url(), Truth::here(ROWS), 2));

    let playing = Arc::clone(&world);
    let tasks = tokio::spawn(async move { playing.play(7, 8000).await });
    let mut junk = 0;
    while !tasks.is_finished() {
        junk += 1;
        // Refused now and then, where clients' buffers leave nothing to evict.
        let _ = server.command(&["SET", &format!("stranger:{junk}"), &"x".repeat(4000)]);
        tokio::time::sleep(Duration::from_micros(200)).await;
    }

    tasks.await.unwrap();
    let stats = server.cli(&["INFO", "stats"]);
    let evicted = stats.lines().find_map(|line| line.strip_prefix("evicted_keys:")).unwrap();
    assert!(evicted.trim().parse::<u64>().unwrap() > 100, "{evicted} keys were evicted");
    world.settle().await;
}
