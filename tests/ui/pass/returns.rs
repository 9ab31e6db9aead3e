//! Aliases, shared answers, absent answers; `?`, `return` and inference as in any async function.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::Arc;

use cache_aside::{Cache, MemoryBackend, cached};

type Answer<T> = Result<Shared<T>, io::Error>;
type Shared<T> = Arc<T>;

#[derive(Debug)]
struct NotClone;

struct Values {
    cache: Cache,
}

impl Values {
    #[cached(ttl = "1m")]
    async fn alias(&self, id: u32) -> Answer<u32> {
        if id > 100 {
            return Err(io::ErrorKind::NotFound.into());
        }
        let parsed: u32 = id.to_string().parse().map_err(io::Error::other)?;
        Ok(parsed.into())
    }

    #[cached(ttl = "1m", none_ttl = "1s")]
    async fn absent(&self, id: u32) -> Result<Option<u32>, NotClone> {
        Ok((id > 3).then_some(id))
    }

    #[cached(ttl = "1m")]
    async fn boxed(&self, id: u32) -> Result<u32, Box<dyn Error + Send + Sync>> {
        if id == 0 {
            return Err("zero".into());
        }
        if id == 1 {
            return Err(Box::new(io::Error::other("one")));
        }
        Ok(id.to_string().parse()?)
    }

    #[cached(ttl = "1m")]
    async fn plain(&self, ids: Vec<u32>) -> HashMap<u32, String> {
        ids.into_iter().map(|id| (id, id.to_string())).collect()
    }

    #[cached(ttl = "1m")]
    async fn plain_shared(&self, id: u32) -> Arc<u32> {
        Arc::new(id)
    }

    #[cached(ttl = "1m")]
    async fn unit_result(&self, id: u32) -> Result<(), io::Error> {
        let _ = id;
        Ok(())
    }

    #[cached(ttl = "1m")]
    async fn never(&self, id: u32) -> u32 {
        panic!("{id}")
    }

    #[cached(ttl = "1m")]
    async fn unfinished(&self) -> Result<Vec<u32>, io::Error> {
        panic!("never called")
    }

    #[cached(ttl = "1m")]
    async fn own(&self) -> Result<Vec<u32>, io::Error> {
        #[allow(dead_code)]
        struct Vec;
        Ok(std::vec![1])
    }
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let near = MemoryBackend::with_max_bytes(1 << 20);
    let values = Values { cache: Cache::builder("test").near(near).build().unwrap() };

    assert_eq!(*is_send(values.alias(7)).await.unwrap(), 7);
    assert_eq!(values.alias(700).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(is_send(values.absent(7)).await.unwrap(), Some(7));
    assert_eq!(values.absent(1).await.unwrap(), None);
    assert_eq!(is_send(values.boxed(7)).await.unwrap(), 7);
    assert_eq!(values.boxed(1).await.unwrap_err().to_string(), "one");
    assert_eq!(is_send(values.plain(vec![7])).await[&7], "7");
    assert_eq!(*is_send(values.plain_shared(7)).await, 7);
    is_send(values.unit_result(7)).await.unwrap();
    assert_eq!(values.own().await.unwrap(), [1]);
    drop((values.never(1), values.unfinished()));
}
