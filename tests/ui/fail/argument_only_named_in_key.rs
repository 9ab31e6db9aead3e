//! P1: a field, a method, a label or a text of the same name is no use of the argument.

use cache_aside::{Cache, cached};

struct Repository {
    cache: Cache,
}

struct Query {
    page: u32,
    sort: u32,
}

impl Query {
    fn size(&self) -> u32 {
        1
    }
}

impl Repository {
    #[cached(ttl = "1m", key(query.page, query.size(), format!("{{limit}} limit {sort}", sort = query.sort)))]
    async fn search(&self, query: Query, page: u32, size: u32, limit: u32, sort: u32) -> u32 {
        query.size() + page + size + limit + sort
    }
}

fn main() {}
