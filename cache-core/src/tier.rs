//! Subscription tiers.

/// A subscription plan: decides TTLs and separates keys.
///
/// `#[derive(Tier)]` on an enum names each variant in `snake_case`. Plans that are only known at
/// run time can be strings.
pub trait Tier {
    /// Returns the name, as it stands in keys and in the TTL table.
    fn name(&self) -> &str;
}

impl<T: Tier + ?Sized> Tier for &T {
    fn name(&self) -> &str {
        (**self).name()
    }
}

impl Tier for str {
    fn name(&self) -> &str {
        self
    }
}

impl Tier for String {
    fn name(&self) -> &str {
        self
    }
}
