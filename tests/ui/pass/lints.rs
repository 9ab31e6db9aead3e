//! What the macros write passes lints that users deny.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused, unused_qualifications)]
#![deny(elided_lifetimes_in_paths, single_use_lifetimes, unused_lifetimes, unused_results, let_underscore_drop)]
#![deny(trivial_casts, trivial_numeric_casts, variant_size_differences, redundant_lifetimes)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery, clippy::unwrap_used, clippy::expect_used)]
#![deny(clippy::absolute_paths, clippy::missing_docs_in_private_items, clippy::shadow_unrelated)]
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::sync::Arc;

use cache_aside::{Cache, KeyPart, Tier, cached, invalidates};

/// A plan.
#[derive(Clone, Copy, Debug, KeyPart, Tier)]
pub enum Plan {
    /// Costs nothing.
    Free,
    /// Costs something.
    #[tier("pro")]
    Studio,
}

/// A user.
#[derive(Clone, Debug, KeyPart)]
pub struct UserId(String);

/// A filter.
#[derive(Clone, Debug, KeyPart)]
pub enum Filter<T> {
    /// All.
    All,
    /// These.
    Some(T, u32),
    /// In between.
    Range {
        /// The first.
        from: T,
        /// The last.
        to: T,
    },
}

/// An error.
#[derive(Clone, Debug)]
pub struct Failed;

/// A repository.
#[derive(Debug)]
pub struct Repository {
    /// The cache.
    cache: Cache,
}

impl Repository {
    /// Returns a profile.
    ///
    /// # Errors
    ///
    /// Never.
    #[cached(tier_ttl)]
    pub async fn profile(&self, tier: Plan, user: UserId) -> Result<Arc<String>, Failed> {
        Ok(Arc::new(format!("{} {}", tier.name(), user.0)))
    }

    /// Takes many arguments of every kind.
    ///
    /// # Errors
    ///
    /// Never.
    #[cached(ttl = "1m", none_ttl = "1s", version = 2, entity = "many", key(query.trim(), page.min(3), ids, filter), skip(trace))]
    pub async fn many<T: KeyPart + Display + Sync>(
        &self,
        user: &UserId,
        query: &str,
        mut page: u32,
        ids: &[u32],
        filter: &Filter<T>,
        trace: Option<String>,
    ) -> Result<Option<Vec<String>>, Failed> {
        page += 1;
        let first = match filter {
            Filter::All => None,
            Filter::Some(value, _) | Filter::Range { from: value, .. } => Some(value.to_string()),
        };
        let all = [query.to_owned(), user.0.clone(), page.to_string(), ids.len().to_string()];
        Ok((page > 3).then(|| all.into_iter().chain(trace).chain(first).collect()))
    }

    /// Renames.
    ///
    /// # Errors
    ///
    /// Never.
    #[invalidates(profile(tier, user), user = user, tier = tier, entity = "many")]
    pub async fn rename(&self, tier: Plan, user: UserId, name: String) -> Result<(), Failed> {
        drop((tier, user, name));
        Ok(())
    }

    /// Takes what lints would rather see borrowed, or not borrowed.
    #[allow(clippy::too_many_arguments)]
    #[cached(ttl = "1m", skip(trace, span))]
    pub async fn owned<'a, T: KeyPart + Send>(
        &'a self,
        text: String,
        ids: Vec<u32>,
        id: Option<String>,
        page: u8,
        boxed: Box<T>,
        trace: &'a str,
        span: &'a str,
    ) -> usize {
        drop(boxed);
        usize::from(page) + text.len() + ids.len() + id.map_or(0, |id| id.len()) + trace.len() + span.len()
    }

    /// Uses what is not public.
    pub async fn sum(&self) -> u32 {
        self.private((1, 2), Box::new(3)).await + self.of_the_crate(4).await
    }

    /// Is private.
    #[cached(ttl = "1m")]
    async fn private(&self, (from, to): (u32, u32), boxed: Box<u32>) -> u32 {
        from + to + *boxed
    }

    /// Is of the crate.
    #[cached(ttl = "1m")]
    pub(crate) async fn of_the_crate(&self, format: impl KeyPart + Send) -> u32 {
        drop(format);
        1
    }
}

/// Returns a page.
#[cached(ttl = "1h")]
pub async fn page(cache: &Cache, id: u32) -> String {
    cache.stats().total().loads.to_string() + &id.to_string()
}

/// Clears a page.
#[invalidates(page(cache, id))]
pub async fn clear(cache: Cache, id: u32) -> u32 {
    drop(cache);
    id
}

const fn main() {}
