//! Functions without `self`: the cache is an argument, or is named.

use std::sync::{Arc, LazyLock};

use cache_aside::{Cache, MemoryBackend, cached, invalidates};

static CACHE: LazyLock<Cache> = LazyLock::new(|| {
    Cache::builder("test").near(MemoryBackend::with_max_bytes(1 << 20)).build().unwrap()
});

#[derive(Clone)]
struct State {
    cache: Arc<Cache>,
}

struct Extract<T>(T);

#[cached(ttl = "1m")]
async fn from_argument(cache: &Cache, id: u32) -> u32 {
    let _ = cache;
    id
}

#[cached(ttl = "1m")]
async fn from_owned_argument(cache: Cache, id: u32) -> u32 {
    drop(cache);
    id
}

#[cached(ttl = "1m")]
async fn from_shared_argument(cache: &Arc<Cache>, id: u32) -> u32 {
    let _ = cache;
    id
}

#[cached(ttl = "1m", cache = CACHE)]
async fn from_static(id: u32) -> u32 {
    id
}

#[cached(ttl = "1m", cache = state.cache, skip(state))]
async fn from_state(state: &State, id: u32) -> u32 {
    let _ = state;
    id
}

#[cached(ttl = "1m", cache = state.cache.clone(), skip(state))]
async fn from_owned_state(state: State, id: u32) -> u32 {
    drop(state);
    id
}

#[cached(ttl = "1m", cache = state.cache, skip(state))]
async fn from_extracted(Extract(state): Extract<State>, id: u32) -> u32 {
    drop(state);
    id
}

struct Ids;

impl Ids {
    /// `Self` in the body tells that this is no free function.
    #[cached(ttl = "1m")]
    async fn associated(cache: &Cache, id: u32) -> u32 {
        let _ = cache;
        Self::next(id)
    }

    fn next(id: u32) -> u32 {
        id + 1
    }
}

mod other {
    use cache_aside::{Cache, Key, cached};

    #[cached(ttl = "1m")]
    pub async fn from_argument(cache: &Cache, id: u32) -> u32 {
        let _ = cache;
        id
    }

    pub fn one(cache: &Cache) -> Key {
        #[cached(ttl = "1m")]
        async fn inner(cache: &Cache, id: u32) -> u32 {
            let _ = cache;
            id
        }

        let _ = inner;
        inner_key(cache, &7)
    }

    pub fn two(cache: &Cache) -> Key {
        #[cached(ttl = "1m")]
        async fn inner(cache: &Cache, id: u32) -> u32 {
            let _ = cache;
            id + 1
        }

        let _ = inner;
        inner_key(cache, &7)
    }
}

#[invalidates(from_argument(cache, id), Ids::associated(cache, id))]
async fn forget(cache: &Cache, id: u32) {
    let _ = (cache, id);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    #[cached(ttl = "1m", cache = *CACHE)]
    async fn inner(id: u32) -> u32 {
        id
    }

    let state = State { cache: Arc::new(CACHE.clone()) };
    assert_eq!(from_argument(&CACHE, 7).await, 7);
    assert_eq!(from_owned_argument(CACHE.clone(), 7).await, 7);
    assert_eq!(from_shared_argument(&state.cache, 7).await, 7);
    assert_eq!(from_static(7).await, 7);
    assert_eq!(from_state(&state, 7).await, 7);
    assert_eq!(from_owned_state(state.clone(), 7).await, 7);
    assert_eq!(from_extracted(Extract(state.clone()), 7).await, 7);
    assert_eq!(Ids::associated(&CACHE, 7).await, 8);
    assert_eq!(inner(7).await, 7);
    assert_eq!(CACHE.stats().total().loads, 9);

    forget(&CACHE, 7).await;
    assert_eq!(from_argument(&CACHE, 7).await, 7);
    assert_eq!(Ids::associated(&CACHE, 7).await, 8);
    assert_eq!(CACHE.stats().total().loads, 11);

    let keys = [
        from_argument_key(&CACHE, &7),
        other::from_argument_key(&CACHE, &7),
        other::one(&CACHE),
        other::two(&CACHE),
        from_static_key(&7),
        from_state_key(&state, &7),
        Ids::associated_key(&CACHE, &7),
        inner_key(&7),
    ];
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key), "{}", key.as_str());
    }
    assert_eq!(keys[1].as_str().split_once('/').unwrap().1, "other/from_argument:-:-:7");
    drop(other::from_argument(&CACHE, 7));
}
