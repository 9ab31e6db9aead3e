//! `#[cached]` and `#[invalidates]`, as a service uses them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty};
use cache_aside::{Cache, KeyPart, Tier, TtlTable, cached, invalidates};
use serde::{Deserialize, Serialize};

use crate::common::{builder, memory, near_only, timed};

#[derive(Clone, Copy, Debug, Tier)]
enum Plan {
    Free,
    Core,
    Studio,
}

#[derive(Clone, Copy, Debug, Eq, KeyPart, Ord, PartialEq, PartialOrd)]
struct UserId(u64);

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Profile {
    name: String,
}

#[derive(Debug, thiserror::Error)]
#[error("no such user")]
struct Unknown;

/// A repository over a database that counts its queries.
struct Users {
    names: Mutex<BTreeMap<UserId, String>>,
    queries: AtomicU32,
    cache: Cache,
}

impl Users {
    fn new(cache: Cache) -> Self {
        let names = [(UserId(1), "Ada".into()), (UserId(2), "Bob".into())].into();
        Self { names: Mutex::new(names), queries: AtomicU32::new(0), cache }
    }

    fn queries(&self) -> u32 {
        self.queries.load(Ordering::SeqCst)
    }

    fn query(&self, user: UserId) -> Option<Profile> {
        self.queries.fetch_add(1, Ordering::SeqCst);
        let names = self.names.lock().unwrap();
        names.get(&user).map(|name| Profile { name: name.clone() })
    }

    #[cached(tier_ttl)]
    async fn profile(&self, tier: Plan, user: UserId) -> Result<Arc<Profile>, Unknown> {
        let _ = tier;
        self.query(user).map(Arc::new).ok_or(Unknown)
    }

    #[cached(ttl = "30s", none_ttl = "5s")]
    async fn find(&self, user: UserId) -> Result<Option<Profile>, Unknown> {
        Ok(self.query(user))
    }

    #[cached(ttl = "30s", none_ttl = "5s")]
    async fn name(&self, user: UserId) -> Option<String> {
        self.query(user).map(|profile| profile.name)
    }

    #[cached(ttl = "30s")]
    async fn find_each_time(&self, user: UserId) -> Result<Option<Profile>, Unknown> {
        Ok(self.query(user))
    }

    #[cached(ttl = "30s", key(query.trim(), page.min(3)), skip(trace))]
    async fn search(&self, query: &str, page: u32, trace: u64) -> Vec<String> {
        self.queries.fetch_add(1, Ordering::SeqCst);
        let _ = trace;
        vec![query.trim().to_owned(), page.to_string()]
    }

    #[invalidates(user = user)]
    async fn rename(&self, user: UserId, name: &str) -> Result<(), Unknown> {
        let mut names = self.names.lock().unwrap();
        *names.get_mut(&user).ok_or(Unknown)? = name.to_owned();
        Ok(())
    }

    #[invalidates(profile(tier, user), user = user)]
    async fn upgrade(&self, tier: Plan, user: UserId) -> Result<(), Unknown> {
        self.names.lock().unwrap().contains_key(&user).then_some(()).ok_or(Unknown)
    }

    #[invalidates(profile(tier, user))]
    async fn touch(&self, tier: Plan, user: UserId) -> Result<(), Unknown> {
        self.names.lock().unwrap().contains_key(&user).then_some(()).ok_or(Unknown)
    }
}

#[tokio::test]
async fn the_second_call_of_an_annotated_function_hits() {
    let users = Users::new(near_only());

    for _ in 0..2 {
        assert_eq!(users.profile(Plan::Free, UserId(1)).await.unwrap().name, "Ada");
    }

    assert_eq!(users.queries(), 1);
}

#[tokio::test]
async fn two_tiers_and_two_users_never_share() {
    let users = Users::new(near_only());

    for _ in 0..2 {
        for plan in [Plan::Free, Plan::Core, Plan::Studio] {
            assert_eq!(users.profile(plan, UserId(1)).await.unwrap().name, "Ada");
            assert_eq!(users.profile(plan, UserId(2)).await.unwrap().name, "Bob");
        }
    }

    assert_eq!(users.queries(), 6);
}

#[tokio::test]
async fn an_edit_through_an_annotated_writer_is_seen_under_every_tier() {
    let users = Users::new(near_only());
    for plan in [Plan::Free, Plan::Studio] {
        users.profile(plan, UserId(1)).await.unwrap();
    }

    users.rename(UserId(1), "Grace").await.unwrap();

    for plan in [Plan::Free, Plan::Studio] {
        assert_eq!(users.profile(plan, UserId(1)).await.unwrap().name, "Grace");
    }
    assert_eq!(users.queries(), 4);
}

#[tokio::test]
async fn a_writer_that_fails_invalidates_nothing() {
    let users = Users::new(near_only());
    assert!(users.find(UserId(9)).await.unwrap().is_none());

    assert!(users.rename(UserId(9), "Nobody").await.is_err());

    assert!(users.find(UserId(9)).await.unwrap().is_none());
    assert_eq!(users.queries(), 1);
}

#[tokio::test]
async fn one_entry_can_be_named_by_the_arguments_of_its_function() {
    let users = Users::new(near_only());
    for plan in [Plan::Free, Plan::Studio] {
        users.profile(plan, UserId(1)).await.unwrap();
    }

    users.touch(Plan::Free, UserId(1)).await.unwrap();

    users.profile(Plan::Studio, UserId(1)).await.unwrap();
    assert_eq!(users.queries(), 2);
    users.profile(Plan::Free, UserId(1)).await.unwrap();
    assert_eq!(users.queries(), 3);
    let key = users.profile_key(&Plan::Free, &UserId(1));
    assert!(key.as_str().ends_with("Users/profile:free:@1"), "{}", key.as_str());
}

#[tokio::test]
async fn only_what_is_in_the_key_separates_entries() {
    let users = Users::new(near_only());

    let first = users.search(" rust ", 3, 1).await;
    let same = users.search("rust", 7, 2).await;
    let other = users.search("rust", 2, 2).await;

    assert_eq!((first.clone(), users.queries()), (same, 2));
    assert_ne!(first, other);
}

#[tokio::test]
async fn the_ttl_is_in_the_table_under_tier_and_function() {
    let table = "tiers.free.profile = '5m'\ntiers.studio.profile = '30m'";
    let (clock, builder) = timed();
    let table = TtlTable::from_toml(table).unwrap();
    let users = Users::new(builder.ttl_table(table).near(memory()).build().unwrap());
    let ask = async || {
        for plan in [Plan::Free, Plan::Studio] {
            users.profile(plan, UserId(1)).await.unwrap();
        }
        users.queries()
    };

    assert_eq!(ask().await, 2);
    clock.advance(Duration::from_secs(299));
    assert_eq!(ask().await, 2);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ask().await, 3);
    clock.advance(Duration::from_secs(1500));
    assert_eq!(ask().await, 5);
}

#[tokio::test]
async fn there_is_none_lives_under_its_own_ttl() {
    let (clock, builder) = timed();
    let users = Users::new(builder.near(memory()).build().unwrap());

    for (wait, queries) in [(0, 2), (4, 2), (1, 4)] {
        clock.advance(Duration::from_secs(wait));
        assert!(users.find(UserId(9)).await.unwrap().is_none());
        assert!(users.name(UserId(9)).await.is_none());
        assert_eq!(users.queries(), queries);
    }
}

#[tokio::test]
async fn there_is_none_is_not_cached_where_nothing_says_how_long() {
    let users = Users::new(near_only());

    for queries in 1..=3 {
        assert!(users.find_each_time(UserId(9)).await.unwrap().is_none());
        assert_eq!(users.queries(), queries);
    }
    for _ in 0..3 {
        assert!(users.find_each_time(UserId(1)).await.unwrap().is_some());
        assert_eq!(users.queries(), 4);
    }
}

/// A client that disconnects while Redis is slow drops the writer between its invalidations.
#[tokio::test]
async fn a_writer_dropped_half_way_has_ended_everything_here() {
    let remote = Faulty::new(memory());
    let cache = builder().near(memory()).remote(remote.clone()).build().unwrap();
    let users = Users::new(cache.clone());
    users.profile(Plan::Free, UserId(1)).await.unwrap();
    users.find(UserId(1)).await.unwrap();
    let before = cache.stats().total().near_hits;

    remote.set_fault(Fault::Hang);
    let writer = users.upgrade(Plan::Free, UserId(1));
    assert!(tokio::time::timeout(Duration::from_millis(20), writer).await.is_err());
    remote.set_fault(None);

    users.profile(Plan::Free, UserId(1)).await.unwrap();
    users.find(UserId(1)).await.unwrap();
    assert_eq!(cache.stats().total().near_hits, before);
}

#[tokio::test]
async fn an_annotated_future_can_be_spawned() {
    let users = Arc::new(Users::new(near_only()));
    let task = {
        let users = Arc::clone(&users);
        tokio::spawn(async move { users.profile(Plan::Core, UserId(2)).await })
    };

    assert_eq!(task.await.unwrap().unwrap().name, "Bob");
}
