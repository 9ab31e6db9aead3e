//! What the macros expand to. Not for other use; may change in any release.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::cache::Cache;
pub use crate::cache::Changes;
use crate::engine::answer::{Sharing, Value};
use crate::key::Key;
pub use crate::policy::CallOptions;

/// Where an annotated function stands: its entity, unless it names one.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// `module_path!()`.
    pub module: &'static str,
    /// The type's name, for a method.
    pub owner: Option<&'static str>,
    /// The function's name.
    pub function: &'static str,
    /// The names of the function's type parameters.
    pub generics: &'a [&'static str],
}

/// Starts the key of the function at `place`: `module/Type/function<parameters>`.
///
/// The parameters of the type stand behind the function, so that its name is always the last of
/// the path and before the first `<`.
pub fn key_at(cache: &Cache, place: &Place<'_>) -> Key {
    let owner = place.owner.unwrap_or(place.module);
    let (path, parameters) = owner.split_at(owner.find('<').unwrap_or(owner.len()));
    cache.key_with(|text| {
        text.path(path);
        text.mark(b'/');
        text.name(place.function);
        text.name(parameters);
        for parameter in place.generics {
            text.name("<");
            text.name(parameter);
            text.name(">");
        }
    })
}

/// What a macro's function returns. Methods of this module's types are chosen over the traits in
/// [`kinds`] where they apply; that is how an alias of `Result` or `Arc` is seen through.
#[derive(Debug)]
pub struct Returns<R>(PhantomData<fn() -> R>);

impl<R> Returns<R> {
    /// Names a return type.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R> Default for Returns<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> Returns<Result<T, E>> {
    /// Takes a `Result` apart.
    pub const fn split(self) -> Fallible<T, E> {
        Fallible(PhantomData)
    }

    /// Whether the function did what it is for.
    pub const fn succeeded(&self, returned: &Result<T, E>) -> bool {
        returned.is_ok()
    }
}

/// A function that returns `Result<T, E>`.
#[derive(Debug)]
pub struct Fallible<T, E>(PhantomData<fn() -> (T, E)>);

/// A function that returns just `T`.
#[derive(Debug)]
pub struct Plain<T>(PhantomData<fn() -> T>);

impl<V, E> Fallible<Arc<V>, E> {
    /// The answer is shared.
    pub const fn kind(self) -> Shared<V, E> {
        Shared(PhantomData)
    }
}

impl<V> Plain<Arc<V>> {
    /// The answer is shared.
    pub const fn kind(self) -> PlainShared<V> {
        PlainShared(PhantomData)
    }
}

/// `Result<Arc<V>, E>`.
#[derive(Debug)]
pub struct Shared<V, E>(PhantomData<fn() -> (V, E)>);

/// `Result<V, E>`.
#[derive(Debug)]
pub struct Owned<V, E>(PhantomData<fn() -> (V, E)>);

/// `Arc<V>`.
#[derive(Debug)]
pub struct PlainShared<V>(PhantomData<fn() -> V>);

/// `V`.
#[derive(Debug)]
pub struct PlainOwned<V>(PhantomData<fn() -> V>);

impl<V: Value, E: Clone + Send + Sync + 'static> Shared<V, E> {
    /// Performs the call; waiting callers share an error.
    ///
    /// # Errors
    ///
    /// Those of `load`.
    pub async fn run<F, Fut>(
        self,
        cache: &Cache,
        key: Key,
        options: &CallOptions,
        load: F,
    ) -> Result<Arc<V>, E>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Arc<V>, E>> + Send,
    {
        Ok(cache.fetch_shared(&key, options, Sharing::CLONED, load).await?.value)
    }
}

impl<V: Value + Clone, E: Clone + Send + Sync + 'static> Owned<V, E> {
    /// Performs the call; waiting callers share an error.
    ///
    /// # Errors
    ///
    /// Those of `load`.
    pub async fn run<F, Fut>(
        self,
        cache: &Cache,
        key: Key,
        options: &CallOptions,
        load: F,
    ) -> Result<V, E>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<V, E>> + Send,
    {
        let load = || async { load().await.map(Arc::new) };
        let answer = cache.fetch_shared(&key, options, Sharing::CLONED, load).await?;
        Ok(Arc::unwrap_or_clone(answer.value))
    }
}

impl<V: Value> PlainShared<V> {
    /// Performs the call.
    pub async fn run<F, Fut>(
        self,
        cache: &Cache,
        key: Key,
        options: &CallOptions,
        load: F,
    ) -> Arc<V>
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Arc<V>> + Send,
    {
        let load = || async { Ok::<_, Infallible>(load().await) };
        let Ok(answer) = cache.fetch_shared(&key, options, Sharing::NONE, load).await;
        answer.value
    }
}

impl<V: Value + Clone> PlainOwned<V> {
    /// Performs the call.
    pub async fn run<F, Fut>(self, cache: &Cache, key: Key, options: &CallOptions, load: F) -> V
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = V> + Send,
    {
        let load = || async { Ok::<_, Infallible>(Arc::new(load().await)) };
        let Ok(answer) = cache.fetch_shared(&key, options, Sharing::NONE, load).await;
        Arc::unwrap_or_clone(answer.value)
    }
}

/// What applies where no method of the types does.
#[allow(async_fn_in_trait, reason = "the futures are as `Send` as their loaders, and hidden")]
pub mod kinds {
    use super::{
        Arc, Cache, CallOptions, Fallible, Future, Key, Owned, PhantomData, Plain, PlainOwned,
        Returns, Shared, Sharing, Value,
    };

    /// For return types that are no `Result`.
    pub trait ReturnsPlain<R>: Sized {
        /// There is nothing to take apart.
        fn split(self) -> Plain<R> {
            Plain(PhantomData)
        }

        /// It always did what it is for.
        fn succeeded(&self, _returned: &R) -> bool {
            true
        }
    }

    impl<R> ReturnsPlain<R> for Returns<R> {}

    /// For answers that are not shared.
    pub trait FallibleOwned<V, E>: Sized {
        /// The answer is cloned out.
        fn kind(self) -> Owned<V, E> {
            Owned(PhantomData)
        }
    }

    impl<V, E> FallibleOwned<V, E> for Fallible<V, E> {}

    /// For answers that are not shared.
    pub trait PlainlyOwned<V>: Sized {
        /// The answer is cloned out.
        fn kind(self) -> PlainOwned<V> {
            PlainOwned(PhantomData)
        }
    }

    impl<V> PlainlyOwned<V> for Plain<V> {}

    /// For errors that cannot be cloned.
    pub trait RunShared<V: Value, E: Send>: Sized {
        /// Performs the call; waiting callers meet an error each on their own.
        fn run<F, Fut>(
            self,
            cache: &Cache,
            key: Key,
            options: &CallOptions,
            load: F,
        ) -> impl Future<Output = Result<Arc<V>, E>> + Send
        where
            F: FnOnce() -> Fut + Send,
            Fut: Future<Output = Result<Arc<V>, E>> + Send,
        {
            async move { Ok(cache.fetch_shared(&key, options, Sharing::NONE, load).await?.value) }
        }
    }

    impl<V: Value, E: Send> RunShared<V, E> for Shared<V, E> {}

    /// For errors that cannot be cloned.
    pub trait RunOwned<V: Value + Clone, E: Send>: Sized {
        /// Performs the call; waiting callers meet an error each on their own.
        fn run<F, Fut>(
            self,
            cache: &Cache,
            key: Key,
            options: &CallOptions,
            load: F,
        ) -> impl Future<Output = Result<V, E>> + Send
        where
            F: FnOnce() -> Fut + Send,
            Fut: Future<Output = Result<V, E>> + Send,
        {
            async move {
                let load = || async { load().await.map(Arc::new) };
                let answer = cache.fetch_shared(&key, options, Sharing::NONE, load).await?;
                Ok(Arc::unwrap_or_clone(answer.value))
            }
        }
    }

    impl<V: Value + Clone, E: Send> RunOwned<V, E> for Owned<V, E> {}
}
