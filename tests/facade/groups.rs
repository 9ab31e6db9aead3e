//! P2 for groups: a user, a tier, an entity, everything.

use crate::common::{SlowLoad, Source, builder, memory, near_only};

#[tokio::test]
async fn a_group_ends_with_all_its_entries_on_every_level_and_no_others() {
    let shared = memory();
    let instance = || builder().near(memory()).remote(shared.clone()).build().unwrap();
    let (one, two) = (instance(), instance());
    let source = Source::default();
    let his = [
        one.key("profile").tier("free").user(1),
        one.key("profile").tier("studio").user(1),
        one.key("orders").user(1).arg("open"),
    ];
    let hers = one.key("profile").tier("free").user(2);
    for key in his.iter().chain([&hers]) {
        one.get_or_load(key, || source.load()).await.unwrap();
    }

    one.invalidate_user(1).await.unwrap();

    for key in &his {
        assert_eq!(one.get::<u32>(key).await.unwrap(), None);
        assert_eq!(two.get::<u32>(key).await.unwrap(), None);
    }
    assert_eq!(*one.get::<u32>(&hers).await.unwrap().unwrap(), 4);
    one.invalidate_tier("free").await.unwrap();
    assert_eq!(one.get::<u32>(&hers).await.unwrap(), None);
}

#[tokio::test]
async fn entity_and_namespace_can_be_ended_as_a_whole() {
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let source = Source::default();
    let keys = [cache.key("profile").user(1), cache.key("orders").user(1), cache.key("rates")];
    let fill = async || {
        for key in &keys {
            cache.get_or_load(key, || source.load()).await.unwrap();
        }
    };
    let there = async || {
        let mut there = Vec::new();
        for key in &keys {
            there.push(cache.get::<u32>(key).await.unwrap().is_some());
        }
        there
    };
    fill().await;

    cache.invalidate_entity("orders").await.unwrap();
    assert_eq!(there().await, [true, false, true]);
    fill().await;
    cache.clear().await.unwrap();

    assert_eq!(there().await, [false, false, false]);
}

#[tokio::test]
async fn a_load_under_way_when_its_group_ends_is_not_kept() {
    let shared = memory();
    let instance = || builder().near(memory()).remote(shared.clone()).build().unwrap();
    for same_instance in [true, false] {
        let (slow, other) = (instance(), instance());
        let key = slow.key("profile").user(1).arg(same_instance);
        let load = SlowLoad::start(&slow, &key, 1).await;

        let writer = if same_instance { &slow } else { &other };
        writer.invalidate_user(1).await.unwrap();
        load.finish().await;

        assert_eq!(other.get::<u32>(&key).await.unwrap(), None);
        if same_instance {
            assert_eq!(slow.get::<u32>(&key).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn a_user_is_ended_in_every_tenant() {
    let (cache, source) = (near_only(), Source::default());
    let key = cache.key("profile").tier("free").tenant("acme").user(42);
    cache.get_or_load(&key, || source.load()).await.unwrap();

    cache.invalidate_user(42).await.unwrap();

    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 2);
}
