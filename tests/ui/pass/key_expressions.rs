//! In `key(…)` an argument means what it means in the function.

use cache_aside::{Cache, Key, KeyPart, MemoryBackend, Tier, cached};

#[derive(Clone, Copy, KeyPart, Tier)]
enum Plan {
    Free,
    Studio,
}

#[derive(Clone, Copy, KeyPart)]
struct Page {
    page: u32,
    size: u32,
}

#[derive(Clone, Copy)]
struct Claims {
    user: u64,
    plan: Plan,
}

struct Search {
    cache: Cache,
    version: u32,
}

impl Search {
    #[cached(ttl = "1m", key(query.trim(), page.min(3), page as u64 + 1, !strict), skip(trace))]
    async fn operators(&self, query: &str, page: u32, strict: bool, trace: u64) -> u32 {
        let _ = (query, strict, trace);
        page
    }

    #[cached(ttl = "1m", key(format!("{query}-{}", page), vec![page, self.version]))]
    async fn macros(&self, query: String, page: u32) -> u32 {
        let _ = query;
        page
    }

    #[cached(ttl = "1m", key(Page { page, size: size.max(10) }))]
    async fn literals(&self, page: u32, size: u32) -> u32 {
        page * size
    }

    #[cached(ttl = "1m", key(ids.iter().map(|id| id % 10).collect::<Vec<_>>()))]
    async fn closures(&self, ids: Vec<u32>) -> usize {
        ids.len()
    }

    #[cached(ttl = "1m", key(if deep { page } else { 0 }, matches!(plan, Plan::Free)))]
    async fn branches(&self, deep: bool, page: u32, plan: Plan) -> u32 {
        let _ = (deep, plan.name());
        page
    }

    #[cached(ttl = "1m", user = claims.user, tier = claims.plan, tenant = "acme")]
    async fn roles(&self, claims: Claims, page: u32) -> u64 {
        claims.user + u64::from(page)
    }

    #[cached(ttl = "1m", key(user.user % 2), skip(user))]
    async fn by_cohort(&self, user: Claims) -> u64 {
        user.user % 2
    }
}

fn tail(key: &Key) -> &str {
    key.as_str().splitn(3, ':').nth(2).unwrap()
}

fn main() {
    let near = MemoryBackend::with_max_bytes(1 << 20);
    let search = Search { cache: Cache::builder("test").near(near).build().unwrap(), version: 9 };
    let claims = Claims { user: 42, plan: Plan::Studio };

    assert_eq!(tail(&search.operators_key(" rust ", &8, &true)), "-:-:rust:3:9:~false");
    assert_eq!(tail(&search.macros_key(&"a".to_owned(), &8)), "-:-:a-8:(8,9,)");
    assert_eq!(tail(&search.literals_key(&1, &5)), "-:-:(1,10,)");
    assert_eq!(tail(&search.closures_key(&vec![11, 22])), "-:-:(1,2,)");
    assert_eq!(tail(&search.branches_key(&false, &8, &Plan::Free)), "-:-:0:~true");
    assert_eq!(tail(&search.roles_key(&claims, &8)), "studio:acme/@42:8");
    assert_eq!(tail(&search.by_cohort_key(&claims)), "-:-:0");
}
