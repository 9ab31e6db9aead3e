//! P8: a user who moves between tiers finds nothing from before.

use std::convert::Infallible;

use cache_aside::{Cache, Key, RedisBackend, Tier, cached, invalidates};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{SlowLoad, Source, builder, memory, on_every_server, until};

#[derive(Clone, Copy, Debug, Tier)]
enum Plan {
    Free,
    Studio,
}

struct Profiles {
    source: Source,
    cache: Cache,
}

impl Profiles {
    #[cached(ttl = "1h", entity = "profile")]
    async fn profile(&self, tier: Plan, user: u64) -> Result<u32, Infallible> {
        self.source.load().await
    }

    #[invalidates(user = user)]
    async fn change_plan(&self, user: u64, plan: Plan) -> Result<(), Infallible> {
        let _ = (user, plan);
        Ok(())
    }
}

/// Moves user 1 there and back, at the first of two instances, and watches both.
async fn move_about(one: Profiles, two: Profiles) {
    let mut newest = 0;
    for plan in [Plan::Free, Plan::Studio, Plan::Free, Plan::Studio, Plan::Free] {
        let late = SlowLoad::start(&one.cache, &slow_key(&one.cache, plan), 7).await;
        let seen = one.profile(plan, 1).await.unwrap();
        assert!(seen > newest, "{plan:?}: {seen} was seen before {newest}");
        until("the other instance has heard of the move", async || {
            two.profile(plan, 1).await.unwrap() > newest
        })
        .await;
        newest = seen.max(two.profile(plan, 1).await.unwrap());
        let hers = one.profile(plan, 2).await.unwrap();

        one.change_plan(1, plan).await.unwrap();
        late.finish().await;

        assert_eq!(one.profile(plan, 2).await.unwrap(), hers, "another user");
        let key = slow_key(&one.cache, plan);
        assert_eq!(one.cache.get::<u32>(&key).await.unwrap(), None, "a load under the old tier");
    }
}

fn slow_key(cache: &Cache, plan: Plan) -> Key {
    cache.key("slow").tier(plan).user(1)
}

#[tokio::test]
async fn a_user_who_moves_away_and_back_finds_nothing_old() {
    let source = Source::default();
    let cache = builder().near(memory()).remote(memory()).build().unwrap();
    let profiles = || Profiles { source: source.clone(), cache: cache.clone() };
    move_about(profiles(), profiles()).await;
}

on_every_server! {
    a_user_who_moves_away_and_back_finds_nothing_old_anywhere
}

async fn a_user_who_moves_away_and_back_finds_nothing_old_anywhere(server: Server) {
    let source = Source::default();
    let profiles = || {
        let backend = RedisBackend::new(&server.url()).unwrap();
        let cache = builder().near(memory()).remote(backend).build().unwrap();
        Profiles { source: source.clone(), cache }
    };
    move_about(profiles(), profiles()).await;
}
