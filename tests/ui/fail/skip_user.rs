//! P1: an answer for one user must not be shown to another, nor across tiers and tenants.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

impl Repository {
    #[cached(ttl = "1m", skip(user, user_id, tier, tenant, tenant_id))]
    async fn list(&self, user: u32, user_id: u32, tier: u32, tenant: u32, tenant_id: u32) -> u32 {
        user + user_id + tier + tenant + tenant_id
    }
}

fn main() {}
