//! What an invalidation came to.

/// What an invalidation came to, where it is no error. In either case this instance has forgotten
/// what was invalidated.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Invalidation {
    /// The remote level has been told, if there is one: other instances serve it no longer than they
    /// need to hear that.
    Everywhere,
    /// The remote level is away. It is told before this instance reads there what has ended; until then
    /// other instances that reach it may serve what was before.
    ///
    /// If this process ends before that, without [`Cache::close`](crate::Cache::close), they may
    /// until the TTL of each entry.
    Journalled,
}
