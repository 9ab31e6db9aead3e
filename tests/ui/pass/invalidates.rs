//! Entries and groups are named before the body runs, and forgotten after it has succeeded.

use std::sync::Arc;

use cache_aside::{Cache, MemoryBackend, Tier, cached, invalidates};

type Outcome = Result<u32, String>;

#[derive(Clone, Copy, Tier)]
enum Plan {
    Free,
}

struct Teams {
    cache: Cache,
}

impl Teams {
    #[cached(ttl = "1m")]
    async fn members(&self, team: String) -> usize {
        team.len()
    }
}

struct Profiles {
    cache: Arc<Cache>,
    teams: Teams,
}

impl Profiles {
    #[cached(ttl = "1m")]
    async fn profile(&self, tier: Plan, user: u64) -> u64 {
        let _ = tier;
        user
    }

    #[invalidates(profile(tier, user))]
    async fn entry(&self, tier: Plan, user: u64, fail: bool) -> Outcome {
        let _ = (tier, user);
        if fail {
            return Err("failed".into());
        }
        Ok(1)
    }

    #[invalidates(Self::profile(self, &Plan::Free, &user), self.teams.members(team))]
    async fn paths(&self, user: u64, team: String) -> Option<usize> {
        let _ = user;
        let length = team.into_bytes().len();
        (length > 100).then_some(length)
    }

    #[invalidates(user = user)]
    async fn of_user(&self, user: &u64) {
        let _ = user;
    }

    #[invalidates(user = from, user = to + 1, cache = self.cache)]
    async fn of_users(&mut self, from: u64, mut to: u64) -> u64 {
        to += 1;
        from + to
    }

    #[invalidates(tier = Plan::Free, entity = "members")]
    async fn of_groups(self: Arc<Self>) -> Result<(), std::fmt::Error> {
        drop(self);
        Ok(())
    }
}

impl Profiles {
    async fn fill(&self) -> u64 {
        self.profile(Plan::Free, 7).await;
        self.teams.members("red".to_owned()).await;
        self.cache.stats().total().loads
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let near = MemoryBackend::with_max_bytes(1 << 20);
    let cache = Cache::builder("test").near(near).build().unwrap();
    let mut profiles = Profiles { cache: cache.clone().into(), teams: Teams { cache } };
    assert_eq!(profiles.fill().await, 2);

    profiles.entry(Plan::Free, 7, true).await.unwrap_err();
    assert_eq!(profiles.fill().await, 2);
    profiles.entry(Plan::Free, 8, false).await.unwrap();
    assert_eq!(profiles.fill().await, 2);
    profiles.entry(Plan::Free, 7, false).await.unwrap();
    assert_eq!(profiles.fill().await, 3);

    profiles.paths(7, "red".to_owned()).await;
    assert_eq!(profiles.fill().await, 5);

    profiles.of_user(&7).await;
    assert_eq!(profiles.fill().await, 6);

    assert_eq!(profiles.of_users(1, 6).await, 8);
    assert_eq!(profiles.fill().await, 7);

    let profiles = Arc::new(profiles);
    Arc::clone(&profiles).of_groups().await.unwrap();
    assert_eq!(profiles.fill().await, 9);
}
