//! What is in scope at the attribute does not matter, and what the macro makes is not in scope.

use cache_aside::{Cache as RealCache, cached, invalidates};

#[allow(dead_code, non_camel_case_types)]
mod shadowed {
    pub struct Ok;
    pub struct Some;
    pub struct None;
    pub struct Option;
    pub struct Result;
    pub struct Cache;
    pub struct Key;
    pub struct Clone;
    pub struct Returns;
    pub mod core {}
    pub mod std {}
    pub mod cache_aside {}
}

mod user {
    #[allow(unused_imports)]
    use super::shadowed::*;
    use super::{RealCache, cached, invalidates};

    pub struct Values {
        pub cache: RealCache,
    }

    impl Values {
        #[cached(ttl = "1m", key(key, cache, load, returns, out, options, typed))]
        pub async fn names(&self, key: u8, cache: u8, load: u8, returns: u8, out: u8, options: u8, typed: u8) -> u8 {
            #[allow(dead_code)]
            const OPTIONS: u8 = 0;
            key + cache + load + returns + out + options + typed
        }

        #[invalidates(names(key, 0, 0, 0, invalidations, returned, succeeded))]
        pub async fn change(&self, key: u8, invalidations: u8, returned: u8, succeeded: u8) -> u8 {
            key + invalidations + returned + succeeded
        }

        #[cached(ttl = "1m")]
        pub async fn result(&self, user: u8) -> ::std::result::Result<u8, ::std::io::Error> {
            ::std::result::Result::Ok(user)
        }
    }
}

mod without_prelude {
    #![no_implicit_prelude]

    use ::cache_aside::{Cache, KeyPart, Tier, cached, invalidates};

    #[derive(Tier, KeyPart)]
    pub enum Plan {
        Free,
    }

    #[derive(KeyPart)]
    pub struct Pair {
        pub out: u8,
        pub key: u8,
    }

    pub struct Values {
        pub cache: Cache,
    }

    impl Values {
        #[cached(tier_ttl, version = 1)]
        pub async fn value<const N: usize>(&self, tier: Plan, (a, b): (u8, Pair)) -> ::std::sync::Arc<u8> {
            let _ = tier;
            ::std::sync::Arc::new(a + b.out + b.key)
        }

        #[invalidates(user = id)]
        pub async fn change(self: ::std::sync::Arc<Self>, id: u8) {
            let _ = id;
        }
    }
}

fn main() {
    let _ = (user::Values::names_key, without_prelude::Values::value_key::<1>);
    let _ = (user::Values::names, user::Values::change, user::Values::result);
    let _ = (without_prelude::Values::value::<1>, without_prelude::Values::change);
    let _ = without_prelude::Plan::Free;
    let _ = without_prelude::Pair { out: 1, key: 2 };
}
