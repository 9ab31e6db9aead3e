//! Other attributes stay, and the key function is there when its function is.

#![deny(warnings)]

use cache_aside::{Cache, cached, invalidates};

pub struct Values {
    pub cache: Cache,
}

macro_rules! cached_value {
    ($name:ident, $arg:ident: $ty:ty, $ttl:literal) => {
        impl Values {
            #[cached(ttl = $ttl, key($arg))]
            pub async fn $name(&self, $arg: $ty) -> u32 {
                let key = 1;
                key + *$arg
            }
        }
    };
}

cached_value!(from_macro, id: &u32, "1m");

impl Values {
    #[cached(ttl = "1m")]
    #[cfg(any())]
    pub async fn absent(&self, missing: Missing) -> Missing {
        missing
    }

    #[cached(ttl = "1m")]
    #[allow(non_snake_case)]
    pub async fn camelCase(&self, someId: u32) -> u32 {
        someId
    }

    #[cached(ttl = "1m")]
    #[expect(unused_variables)]
    #[doc(hidden)]
    #[must_use]
    pub async fn expecting(&self, id: u32) -> u32 {
        let unused = id;
        1
    }

    #[cached(ttl = "1m")]
    pub async fn r#try(&self, r#type: u32) -> u32 {
        r#type
    }

    #[cached(ttl = "1m")]
    #[deprecated]
    pub async fn old(&self) -> u32 {
        #![allow(unused_variables)]
        let unused = 1;
        1
    }

    #[invalidates(r#try(r#type), from_macro(&1))]
    #[inline]
    pub async fn change(&self, r#type: u32) -> u32 {
        r#type
    }
}

fn main() {
    let _ = (Values::from_macro_key, Values::camelCase_key, Values::expecting_key);
    let _ = (Values::try_key, Values::old_key);
}
