//! Every receiver that only lends `self` can be cached; the key function takes `&self`.

use std::sync::Arc;

use cache_aside::{Cache, MemoryBackend, cached};

struct Names {
    cache: Cache,
    prefix: String,
}

impl Names {
    #[cached(ttl = "1m")]
    async fn short(&self, id: u32) -> String {
        format!("{}{id}", self.prefix)
    }

    #[cached(ttl = "1m")]
    async fn lifetime<'a>(&'a self, word: &'a str) -> String {
        format!("{}{word}", self.prefix)
    }

    #[cached(ttl = "1m")]
    async fn typed(self: &Self, id: u32) -> String {
        self.short(id).await
    }

    #[cached(ttl = "1m")]
    async fn shared(self: &Arc<Self>, id: u32) -> String {
        Arc::clone(self).short(id).await
    }

    #[cached(ttl = "1m")]
    async fn owned(self: Arc<Self>, id: u32) -> String {
        let this = self;
        this.short(id).await
    }

    #[cached(ttl = "1m", key(&self.prefix, id))]
    async fn with_own_state(&self, id: u32) -> String {
        self.short(id).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let near = MemoryBackend::with_max_bytes(1 << 20);
    let cache = Cache::builder("test").near(near).build().unwrap();
    let names = Arc::new(Names { cache, prefix: "n".to_owned() });

    assert_eq!(names.short(7).await, "n7");
    assert_eq!(names.lifetime("seven").await, "nseven");
    assert_eq!(names.typed(7).await, "n7");
    assert_eq!(names.shared(7).await, "n7");
    assert_eq!(Arc::clone(&names).owned(7).await, "n7");
    assert_eq!(names.with_own_state(7).await, "n7");

    assert_ne!(names.short_key(&7), names.typed_key(&7));
    assert!(names.with_own_state_key(&7).as_str().ends_with(":n:7"));
}
