//! Arguments whose names say whose answer it is.

use cache_aside::{Cache, KeyPart, MemoryBackend, Tier, cached};

#[derive(Clone, Copy, KeyPart, Tier)]
enum Plan {
    Studio,
}

struct Profiles {
    cache: Cache,
}

impl Profiles {
    #[cached(tier_ttl)]
    async fn all(&self, tier: Plan, tenant: &str, user: u64, lang: &str) -> u64 {
        let _ = (tier, tenant, lang);
        user
    }

    #[cached(tier_ttl, key(lang.len()))]
    async fn with_key(&self, lang: &str, tier: &Plan, tenant_id: u32, user_id: &u64) -> u64 {
        let _ = (tier, tenant_id, lang);
        *user_id
    }

    #[cached(ttl = "1m", user = owner)]
    async fn two_users(&self, owner: u64, user: u64) -> u64 {
        owner + user
    }

    #[cached(tier_ttl)]
    async fn text_tier(&self, tier: &str) -> u64 {
        tier.len() as u64
    }

    #[cached(tier_ttl)]
    async fn dyn_tier(&self, tier: &(dyn Tier + Sync)) -> u64 {
        tier.name().len() as u64
    }
}

fn main() {
    let near = MemoryBackend::with_max_bytes(1 << 20);
    let profiles = Profiles { cache: Cache::builder("test").near(near).build().unwrap() };
    let ends = |key: cache_aside::Key, tail: &str| assert!(key.as_str().ends_with(tail), "{}", key.as_str());

    ends(profiles.all_key(&Plan::Studio, "acme", &42, "en"), "/all:studio:acme/@42:en");
    ends(profiles.with_key_key("en", &Plan::Studio, &7, &42), "/with_key:studio:7/@42:2");
    ends(profiles.two_users_key(&1, &2), "/two_users:-:@1:2");
    ends(profiles.text_tier_key("core"), "/text_tier:core:-");
    ends(profiles.dyn_tier_key(&Plan::Studio), "/dyn_tier:studio:-");
}
