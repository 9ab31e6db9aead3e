//! What a function is generic over is part of its key, also under an entity of its own.

use std::fmt::Display;

use cache_aside::{Cache, Key, KeyPart, MemoryBackend, cached, invalidates};

trait Format {
    fn format(&self, text: &str) -> String;
}

#[derive(KeyPart)]
struct Plain;

#[derive(KeyPart)]
struct Loud;

impl Format for Plain {
    fn format(&self, text: &str) -> String {
        text.to_owned()
    }
}

impl Format for Loud {
    fn format(&self, text: &str) -> String {
        text.to_uppercase()
    }
}

struct Texts<S> {
    cache: Cache,
    source: S,
}

impl<S: Display + Send + Sync> Texts<S> {
    #[cached(ttl = "1m")]
    async fn parsed<T>(&self, id: u32) -> Option<T>
    where
        T: std::str::FromStr + Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
    {
        format!("{}{id}", self.source).parse().ok()
    }

    #[cached(ttl = "1m", entity = "parsed")]
    async fn named<T>(&self, id: &T) -> String
    where
        T: KeyPart + Display + Send + Sync,
    {
        id.to_string()
    }

    #[cached(ttl = "1m")]
    async fn first<const N: usize, const LOUD: bool>(&self) -> String {
        self.source.to_string().chars().take(if LOUD { N } else { 0 }).collect()
    }

    #[cached(ttl = "1m")]
    async fn written(&self, format: impl Format + KeyPart + Send) -> String {
        format.format(&self.source.to_string())
    }

    #[cached(ttl = "1m")]
    async fn two<'a, A, const N: u8>(&self, a: &'a A, many: impl KeyPart + Send) -> String
    where
        A: KeyPart + Sync + ?Sized,
    {
        drop(many);
        let _ = a;
        N.to_string()
    }

    #[invalidates(parsed::<u32>(id), named(id))]
    async fn forget<T: KeyPart + Sync>(&self, id: &u32, _marker: &T) {}
}

fn distinct(keys: &[Key]) {
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key), "{}", key.as_str());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let near = MemoryBackend::with_max_bytes(1 << 20);
    let cache = Cache::builder("test").near(near).build().unwrap();
    let texts = Texts { cache: cache.clone(), source: "4" };
    let others = Texts { cache, source: 5_u8 };

    assert_eq!(texts.parsed::<u32>(2).await, Some(42));
    assert_eq!(texts.parsed::<String>(2).await.as_deref(), Some("42"));
    assert_eq!(others.parsed::<u32>(2).await, Some(52));
    assert_eq!(texts.first::<1, true>().await, "4");
    assert_eq!(texts.first::<1, false>().await, "");
    assert_eq!(texts.written(Plain).await, "4");
    assert_eq!(texts.two::<str, 3>("a", 4).await, "3");

    distinct(&[
        texts.parsed_key::<u32>(&2),
        texts.parsed_key::<String>(&2),
        others.parsed_key::<u32>(&2),
        texts.first_key::<1, true>(),
        texts.first_key::<1, false>(),
        texts.first_key::<2, true>(),
        texts.written_key(&Plain),
        texts.written_key(&Loud),
        texts.named_key(&2_u32),
        texts.named_key(&2_u64),
    ]);

    let before = texts.cache.stats().total().loads;
    texts.named(&2).await;
    texts.forget(&2, &Plain).await;
    texts.parsed::<u32>(2).await;
    texts.named(&2_u32).await;
    assert_eq!(texts.cache.stats().total().loads, before + 3);
}
