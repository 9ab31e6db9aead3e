//! The macros of `cache-aside`.
//!
//! Use them through the facade, which documents them by example: what they emit names
//! `::cache_aside` by its absolute path. Each macro reads (`args`), then judges (`check`), then
//! writes (`expand`); a refused item is emitted unchanged, so that one mistake is one error.

mod argument;
mod cached;
mod derive;
mod function;
mod invalidates;
mod mention;
mod options;
mod reference;

use proc_macro::TokenStream;

/// Serves an async function from the cache and runs it only to fill a missing entry.
///
/// ```text
/// #[cached(ttl = "30s", none_ttl = "5s", key(query.trim(), page), skip(trace))]
/// async fn search(&self, query: &str, page: u32, trace: TraceId) -> Result<Option<Vec<Hit>>, DbError> { /* … */ }
/// ```
///
/// Beside `search` stands `search_key`, with the same visibility: the key for the given arguments,
/// each taken by reference.
///
/// # Options
///
/// Exactly one of `tier_ttl` and `ttl` is required.
///
/// | option | means |
/// |---|---|
/// | `tier_ttl` | the TTL is in the cache's table: row = the tier, column = the entity |
/// | `ttl = "5m"` | the TTL, at most a year |
/// | `none_ttl = "5s"` | how long an absent value is kept |
/// | `key(expr, …)` | the parts of the key, instead of all arguments |
/// | `skip(argument, …)` | arguments on which the answer does not depend |
/// | `tier = expr`, `user = expr`, `tenant = expr` | whose answer it is, instead of the argument of that name |
/// | `entity = "profile"` | the entity, instead of module, type and function |
/// | `version = 2` | changes when the meaning of a stored value changes |
/// | `cache = expr` | the cache, instead of `self.cache` or the argument `cache` |
///
/// # Arguments
///
/// `tier`, `user` or `user_id`, `tenant` or `tenant_id` say whose answer it is and are part of the
/// key under that role. Every other argument is part of the key in its order, or, with `key(…)`,
/// must be used there or be named in `skip(…)`: an argument that is neither does not compile.
/// In `key(…)` an argument means what it means in the function, but cannot be moved.
///
/// # Where it may stand
///
/// On `async fn` with `&self` or a shared `self` such as `self: Arc<Self>`, and on those without a
/// `self`. A function of a type without a `self` must name `Self` somewhere, in its body or as in
/// `cache = Self::cache()`: the macro cannot tell otherwise that it is not one of the module. Not
/// in an `impl Trait for …`, where there is no room for the key function, and so not under
/// `#[async_trait]`: annotate a method of the type and call that one.
#[proc_macro_attribute]
pub fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    cached::attribute(args.into(), item.into()).into()
}

/// Invalidates what an async function makes outdated, after it has succeeded.
///
/// ```text
/// #[invalidates(profile(tier, user), self.teams.members(team))]
/// async fn rename(&self, tier: Plan, user: UserId, team: TeamId) -> Result<(), DbError> { /* … */ }
///
/// #[invalidates(user = user)]
/// async fn change_plan(&self, user: UserId, plan: Plan) -> Result<(), DbError> { /* … */ }
/// ```
///
/// `profile(tier, user)` names one entry of the function `profile`, which is `#[cached]`, and is
/// checked by the compiler against its arguments. `user = expr`, `tier = expr` and
/// `entity = "name"` name groups; each may be given more than once. `cache = expr` names the cache,
/// instead of `self.cache` or the argument `cache`.
///
/// The keys are made before the function runs. A function that returns a `Result` has succeeded
/// when it is `Ok`; any other has succeeded when it returns.
///
/// # Cancellation
///
/// Dropping the future before the function has succeeded invalidates nothing.
#[proc_macro_attribute]
pub fn invalidates(args: TokenStream, item: TokenStream) -> TokenStream {
    invalidates::attribute(args.into(), item.into()).into()
}

/// Names each variant of a plain enum as a tier: in `snake_case`, or as `#[tier("name")]` says.
#[proc_macro_derive(Tier, attributes(tier))]
pub fn tier(item: TokenStream) -> TokenStream {
    derive::tier(item.into()).into()
}

/// Makes a type usable in keys: all of its fields are, and so is the variant of an enum.
///
/// A struct with one field is written as that field.
#[proc_macro_derive(KeyPart)]
pub fn key_part(item: TokenStream) -> TokenStream {
    derive::key_part(item.into()).into()
}
