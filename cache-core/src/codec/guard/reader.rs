//! The deserializer and the visitor within a guard.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::{Errors, Guard};

/// Forwards methods for values without parts.
macro_rules! forward_leaves {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.inner.$method(visitor).map_err(P::take)
        }
    )*};
}

/// Forwards methods for values with parts, one level down.
macro_rules! forward_nested {
    ($($method:ident($($arg:ident: $type:ty),*), counted: $counted:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            let _level = self.limits.descend::<Self::Error>()?;
            let visitor = Guard { counted: $counted, ..Guard::new(visitor, self.limits) };
            self.inner.$method($($arg,)* visitor).map_err(P::take)
        }
    )*};
}

impl<'de, D: Deserializer<'de>, P: Errors> Deserializer<'de> for Guard<'_, D, P> {
    type Error = P::Of<D::Error>;

    forward_leaves! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_bytes deserialize_unit deserialize_identifier deserialize_ignored_any
    }

    /// Asks for a borrowed string: for an owned one bincode allocates what the bytes claim.
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_str(visitor)
    }

    /// Asks for borrowed bytes, for the same reason.
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_bytes(visitor)
    }

    forward_nested! {
        deserialize_any(), counted: true;
        deserialize_enum(
            name: &'static str, variants: &'static [&'static str]), counted: false;
        deserialize_map(), counted: true;
        deserialize_newtype_struct(name: &'static str), counted: false;
        deserialize_option(), counted: false;
        deserialize_seq(), counted: true;
        deserialize_struct(
            name: &'static str, fields: &'static [&'static str]), counted: false;
        deserialize_tuple(len: usize), counted: false;
        deserialize_tuple_struct(name: &'static str, len: usize), counted: false;
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.inner.deserialize_unit_struct(name, visitor).map_err(P::take)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Forwards visits of values without parts.
macro_rules! forward_visits {
    ($($method:ident($($arg:ident: $type:ty)?))*) => {$(
        fn $method<E: Error>(self $(, $arg: $type)?) -> Result<V::Value, E> {
            self.inner.$method($($arg)?)
        }
    )*};
}

impl<'de, V: Visitor<'de>, P: Errors> Visitor<'de> for Guard<'_, V, P> {
    type Value = V::Value;

    forward_visits! {
        visit_bool(value: bool) visit_char(value: char) visit_none() visit_unit()
        visit_i8(value: i8) visit_i16(value: i16) visit_i32(value: i32) visit_i64(value: i64)
        visit_u8(value: u8) visit_u16(value: u16) visit_u32(value: u32) visit_u64(value: u64)
        visit_i128(value: i128) visit_u128(value: u128) visit_f32(value: f32) visit_f64(value: f64)
        visit_str(value: &str) visit_borrowed_str(value: &'de str) visit_string(value: String)
        visit_bytes(value: &[u8]) visit_borrowed_bytes(value: &'de [u8])
        visit_byte_buf(value: Vec<u8>)
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Guard::new(deserializer, self.limits)).map_err(P::give)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Guard::new(inner, self.limits)).map_err(P::give)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let seq = Guard { inner: seq, limits: self.limits, counted: self.counted };
        self.inner.visit_seq(seq).map_err(P::give)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let map = Guard { inner: map, limits: self.limits, counted: self.counted };
        self.inner.visit_map(map).map_err(P::give)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Guard::new(data, self.limits)).map_err(P::give)
    }
}

impl<'de, S: DeserializeSeed<'de>, P: Errors> DeserializeSeed<'de> for Guard<'_, S, P> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Guard::new(deserializer, self.limits)).map_err(P::give)
    }
}
