//! `#[cached]` on functions of every shape.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cache_aside::{Cache, KeyPart, Value, cached};
use tokio::time::sleep;

use crate::common::near_only;

mod orders {
    use std::convert::Infallible;

    use cache_aside::{Cache, cached};

    #[cached(ttl = "1m")]
    pub(super) async fn latest(cache: &Cache, id: u32) -> Result<String, Infallible> {
        Ok(format!("order {id}"))
    }
}

mod invoices {
    use std::convert::Infallible;

    use cache_aside::{Cache, cached};

    #[cached(ttl = "1m")]
    pub(super) async fn latest(cache: &Cache, id: u32) -> Result<String, Infallible> {
        Ok(format!("invoice {id}"))
    }
}

/// Equal names in two modules share entries in hitbox, cached and oxcache.
#[tokio::test]
async fn the_same_name_in_two_modules_never_shares() {
    let cache = near_only();

    for _ in 0..2 {
        assert_eq!(orders::latest(&cache, 1).await.unwrap(), "order 1");
        assert_eq!(invoices::latest(&cache, 1).await.unwrap(), "invoice 1");
    }

    let (order, invoice) = (orders::latest_key(&cache, &1), invoices::latest_key(&cache, &1));
    assert!(order.as_str().ends_with("facade/shapes/orders/latest:-:-:1"), "{}", order.as_str());
    assert_ne!(order.as_str(), invoice.as_str());
}

trait Named: Send + Sync {
    const NAME: &str;
}

struct Cats;
struct Dogs;

impl Named for Cats {
    const NAME: &str = "cat";
}

impl Named for Dogs {
    const NAME: &str = "dog";
}

struct Repo<T> {
    cache: Cache,
    kind: PhantomData<T>,
}

impl<T: Named> Repo<T> {
    #[cached(ttl = "1m")]
    async fn first(&self) -> Result<String, Infallible> {
        Ok(T::NAME.to_owned())
    }

    #[cached(ttl = "1m")]
    async fn paired<U: Named>(&self) -> Result<String, Infallible> {
        Ok(format!("{} {}", T::NAME, U::NAME))
    }
}

/// Generics collide across type parameters in hitbox.
#[tokio::test]
async fn type_parameters_never_share() {
    let cache = near_only();
    let cats = Repo::<Cats> { cache: cache.clone(), kind: PhantomData };
    let dogs = Repo::<Dogs> { cache, kind: PhantomData };

    for _ in 0..2 {
        assert_eq!(cats.first().await.unwrap(), "cat");
        assert_eq!(dogs.first().await.unwrap(), "dog");
        assert_eq!(cats.paired::<Dogs>().await.unwrap(), "cat dog");
        assert_eq!(cats.paired::<Cats>().await.unwrap(), "cat cat");
        assert_eq!(dogs.paired::<Cats>().await.unwrap(), "dog cat");
    }
}

#[tokio::test]
async fn functions_of_one_name_can_be_ended_together() {
    let cache = near_only();
    orders::latest(&cache, 1).await.unwrap();
    let key = orders::latest_key(&cache, &1);
    assert!(cache.get::<String>(&key).await.unwrap().is_some());

    cache.invalidate_entity("latest").await.unwrap();

    assert!(cache.get::<String>(&key).await.unwrap().is_none());
}

#[derive(Clone, Debug, PartialEq)]
struct Shareable;

struct Flaky {
    cache: Cache,
    loads: AtomicU32,
}

impl Flaky {
    #[cached(ttl = "1m", entity = "shared")]
    async fn shared(&self) -> Result<String, Shareable> {
        self.fail().await;
        Err(Shareable)
    }

    #[cached(ttl = "1m", entity = "unshared")]
    async fn unshared(&self) -> Result<String, Unknown> {
        self.fail().await;
        Err(Unknown)
    }

    async fn fail(&self) {
        self.loads.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_can_be_cloned_is_shared_by_all_who_waited() {
    let flaky = Flaky { cache: near_only(), loads: AtomicU32::new(0) };

    let shared = futures_util::future::join_all((0..50).map(|_| flaky.shared())).await;
    assert!(shared.into_iter().all(|answer| answer == Err(Shareable)));
    assert_eq!(flaky.loads.load(Ordering::SeqCst), 1);

    let unshared = futures_util::future::join_all((0..50).map(|_| flaky.unshared())).await;
    assert!(unshared.into_iter().all(|answer| answer.is_err()));
    assert_eq!(flaky.loads.load(Ordering::SeqCst), 51);
}

#[derive(Debug, thiserror::Error)]
#[error("no such number")]
struct Unknown;

type Outcome<T> = Result<T, Unknown>;
type Shared = Arc<String>;

struct Shapes {
    cache: Arc<Cache>,
}

impl Shapes {
    #[cached(ttl = "1m")]
    async fn plain(&self, number: i64) -> i64 {
        number
    }

    #[cached(ttl = "1m")]
    async fn arc(&self, number: i64) -> Arc<String> {
        Arc::new(number.to_string())
    }

    #[cached(ttl = "1m")]
    async fn aliased(&self, name: &str) -> Outcome<Shared> {
        Ok(Arc::new(name.to_owned()))
    }

    #[cached(ttl = "1m")]
    async fn early(&self, number: Option<i64>) -> Outcome<String> {
        let Some(number) = number else { return Err(Unknown) };
        let text = u8::try_from(number).map_err(|_| Unknown)?;
        Ok(text.to_string())
    }

    #[cached(ttl = "1m")]
    async fn generic<T>(&self, value: T) -> Outcome<T>
    where
        T: Value + Clone + KeyPart,
    {
        Ok(value)
    }
}

#[tokio::test]
async fn every_shape_of_return_is_cached() {
    let shapes = Shapes { cache: Arc::new(near_only()) };

    for _ in 0..2 {
        assert_eq!(shapes.plain(-1).await, -1);
        assert_eq!(*shapes.arc(7).await, "7");
        assert_eq!(*shapes.aliased("Ada").await.unwrap(), "Ada");
        assert_eq!(shapes.early(Some(8)).await.unwrap(), "8");
        assert!(shapes.early(None).await.is_err());
        assert!(shapes.early(Some(1000)).await.is_err());
        assert_eq!(shapes.generic(5_u8).await.unwrap(), 5);
        assert_eq!(shapes.generic(5_u16).await.unwrap(), 5);
        assert_eq!(shapes.generic(String::from("5")).await.unwrap(), "5");
    }

    let total = shapes.cache.stats().total();
    assert_eq!((total.near_hits, total.loaded, total.failed), (7, 7, 4));
}
