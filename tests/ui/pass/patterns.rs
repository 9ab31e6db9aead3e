//! Arguments that are taken apart: each variable is its own argument of the key.

use cache_aside::{Cache, MemoryBackend, cached};

struct Page {
    number: u32,
    size: u32,
    trace: u64,
}

struct UserId(u64);

struct Lists {
    cache: Cache,
}

impl Lists {
    #[cached(ttl = "1m")]
    async fn tuple(&self, (mut from, to): (u32, u32)) -> u32 {
        from += 1;
        to - from
    }

    #[cached(ttl = "1m", skip(trace))]
    async fn fields(&self, Page { number, size, trace }: Page) -> u64 {
        u64::from(number * size) + trace
    }

    #[cached(ttl = "1m")]
    async fn ignored(&self, Page { number, .. }: &Page, _: u64, (): ()) -> u32 {
        *number
    }

    #[cached(ttl = "1m")]
    async fn role(&self, UserId(user): UserId, &(a, mut b): &(u32, u32)) -> u64 {
        b += a;
        user + u64::from(b)
    }

    #[cached(ttl = "1m", key(whole.0, first))]
    async fn bound(&self, whole: (u32, u32), [first, ..]: [u32; 3]) -> u32 {
        whole.1 + first
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let near = MemoryBackend::with_max_bytes(1 << 20);
    let lists = Lists { cache: Cache::builder("test").near(near).build().unwrap() };
    let page = || Page { number: 2, size: 10, trace: 5 };

    assert_eq!(lists.tuple((1, 5)).await, 3);
    assert_eq!(lists.fields(page()).await, 25);
    assert_eq!(lists.ignored(&page(), 8, ()).await, 2);
    assert_eq!(lists.role(UserId(7), &(1, 2)).await, 10);
    assert_eq!(lists.bound((1, 2), [3, 4, 5]).await, 5);

    assert!(lists.tuple_key(&(1, 5)).as_str().ends_with(":-:-:1:5"));
    assert!(lists.fields_key(&page()).as_str().ends_with(":-:-:2:10"));
    assert!(lists.ignored_key(&page()).as_str().ends_with(":-:-:2"));
    assert!(lists.role_key(&UserId(7), &(1, 2)).as_str().ends_with(":-:@7:1:2"));
    assert!(lists.bound_key(&(1, 2), &[3, 4, 5]).as_str().ends_with(":-:-:1:3"));
}
