//! What a writer can say to the cache: `cargo run --example writes`.
//!
//! Two instances of a small shop, over one Redis if `REDIS_URL` names one, else over shared memory.
//! Each step prints what it does and checks what both instances answer afterwards.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use cache_aside::backend::Backend;
use cache_aside::{Cache, CallOptions, Key, Loaded, MemoryBackend, RedisBackend, TtlTable};

/// A database: the prices of products, each of a brand.
#[derive(Clone, Default)]
struct Shop {
    prices: Arc<Mutex<BTreeMap<u32, u32>>>,
    queries: Arc<Mutex<u32>>,
}

impl Shop {
    fn set_price(&self, product: u32, price: u32) {
        self.prices.lock().unwrap_or_else(PoisonError::into_inner).insert(product, price);
    }

    /// One query, however many products it asks for.
    fn prices(&self, products: &[u32]) -> Vec<Option<u32>> {
        *self.queries.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let prices = self.prices.lock().unwrap_or_else(PoisonError::into_inner);
        products.iter().map(|product| prices.get(product).copied()).collect()
    }

    fn take_queries(&self) -> u32 {
        std::mem::take(&mut *self.queries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn instance(remote: Arc<dyn Backend>) -> Result<Cache> {
    let cache = Cache::builder("writes")
        .ttl_table(TtlTable::from_toml("default = '10m'")?)
        .near(MemoryBackend::with_max_bytes(16 << 20))
        .remote_arc(remote)
        .build()?;
    Ok(cache)
}

fn key(cache: &Cache, product: u32) -> Key {
    cache.key("price").arg(product)
}

/// The brand is known only once the product was loaded, so its tag is named by the loader.
async fn price(cache: &Cache, shop: &Shop, product: u32) -> Result<Option<u32>> {
    let load = || async {
        let price = shop.prices(&[product])[0];
        Ok::<_, Infallible>(Loaded::new(price).tag(format!("brand:{}", product % 2)))
    };
    Ok(*cache.fetch_loaded(&key(cache, product), &CallOptions::table(), load).await?.value)
}

#[tokio::main]
async fn main() -> Result<()> {
    let redis = std::env::var("REDIS_URL").ok();
    let shared = MemoryBackend::with_max_bytes(16 << 20);
    let remote = || -> Result<Arc<dyn Backend>> {
        Ok(match &redis {
            Some(url) => Arc::new(RedisBackend::new(url)?),
            None => Arc::new(shared.clone()),
        })
    };
    let (one, two, shop) = (instance(remote()?)?, instance(remote()?)?, Shop::default());
    one.clear().await?;
    (1..=6).for_each(|product| shop.set_price(product, 100 * product));

    println!("a batch: one query for all that is missing");
    let products = [1, 2, 3, 4];
    let keys: Vec<Key> = products.iter().map(|product| key(&one, *product)).collect();
    let load = |missing: Vec<usize>| {
        let ids: Vec<u32> = missing.into_iter().map(|place| products[place]).collect();
        let shop = &shop;
        async move { Ok::<_, Infallible>(shop.prices(&ids)) }
    };
    let prices = one.get_or_load_many(&keys, load).await?;
    ensure!(prices.iter().flatten().map(|price| **price).sum::<u32>() == 1000);
    two.get_or_load_many(&keys, load).await?;
    ensure!(shop.take_queries() == 1, "the other instance found all of them");
    one.invalidate_many(&keys).await?;

    println!("a tag that only the loader knows: a brand raises its prices");
    ensure!(price(&one, &shop, 5).await? == Some(500) && price(&one, &shop, 6).await? == Some(600));
    (1..=6).for_each(|product| shop.set_price(product, 110 * product));
    one.invalidate_tag("brand:1").await?;
    ensure!(price(&two, &shop, 5).await? == Some(550), "of brand 1");
    ensure!(price(&two, &shop, 6).await? == Some(600), "of brand 0, and not told of");

    println!("a guard: whoever dies between commit and invalidation leaves nothing old");
    let guard = one.changes().key(key(&one, 5)).tag("brand:0").begin().await?;
    shop.set_price(5, 1);
    ensure!(price(&one, &shop, 5).await? == Some(1), "loaded, and not kept");
    guard.finish().await?;
    ensure!(price(&one, &shop, 5).await? == Some(1), "kept again");

    let health = two.health().await.remote.map(|remote| (remote.backend, remote.hearing));
    println!("all as expected; the second instance: {health:?}");
    one.close().await;
    two.close().await;
    Ok(())
}
