//! Keeps a decoder within bounds, whatever the bytes claim.
//!
//! Codecs bound what they copy out of the input. They do not bound how deep a recursive type goes (the
//! stack), nor what a long row of small elements takes (the heap): one byte may be an `Option` of a
//! kilobyte, and no byte at all a `()`. [`Guard`] wraps any deserializer and counts both.
//!
//! It also keeps errors small: each level of a type-erased deserializer puts the text of the error in
//! another pair of quotes, which bincode escapes, so that the text doubles 128 times.

use std::cell::Cell;
use std::fmt::{self, Display};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// How deep values may be nested.
///
/// Each struct, enum, sequence, map, `Some` and newtype counts. What is nested deeper than this is not
/// data but a linked list, and every level takes stack of the caller's task.
pub const MAX_DEPTH: usize = 128;

/// The memory that the elements of all sequences and maps of one value may take, in bytes.
///
/// An element counts with its own size, at least 16 bytes: so the longest payload of single bytes, all
/// [`MAX_PAYLOAD`](super::MAX_PAYLOAD) of it, still fits.
pub const MAX_DECODED: usize = 256 << 20;

/// What is left of the bounds while one value is decoded.
#[derive(Debug)]
pub(super) struct Limits {
    levels: Cell<usize>,
    bytes: Cell<usize>,
}

impl Limits {
    /// Goes one level down, until the returned guard is dropped.
    fn descend(&self) -> Result<Level<'_>, Unfit> {
        self.levels.set(self.levels.get().checked_sub(1).ok_or(Unfit)?);
        Ok(Level(&self.levels))
    }

    fn charge<T>(&self) -> Result<(), Unfit> {
        let left = self.bytes.get().checked_sub(size_of::<T>().max(16));
        self.bytes.set(left.ok_or(Unfit)?);
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { levels: Cell::new(MAX_DEPTH), bytes: Cell::new(MAX_DECODED) }
    }
}

struct Level<'a>(&'a Cell<usize>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// The one error inside of a guard. Without the text of a visitor, which may show the value.
#[derive(Debug)]
pub(super) struct Unfit;

impl Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payload does not fit the type or its bounds")
    }
}

impl std::error::Error for Unfit {}

impl Error for Unfit {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// A deserializer, visitor, seed or access that hands on the limits to what it leads to.
///
/// Around a [`PhantomData`](std::marker::PhantomData) it is the seed to decode a type within bounds.
pub(super) struct Guard<'a, T> {
    inner: T,
    limits: &'a Limits,
    /// Whether elements count: those of a tuple or struct are part of what holds it.
    counted: bool,
}

impl<'a, T> Guard<'a, T> {
    pub(super) fn new(inner: T, limits: &'a Limits) -> Self {
        Self { inner, limits, counted: false }
    }
}

/// Forwards methods for values without parts.
macro_rules! forward_leaves {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
            self.inner.$method(visitor).or(Err(Unfit))
        }
    )*};
}

/// Forwards methods for values with parts, one level down.
macro_rules! forward_nested {
    ($($method:ident($($arg:ident: $type:ty),*), counted: $counted:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Unfit> {
            let _level = self.limits.descend()?;
            let visitor = Guard { counted: $counted, ..Guard::new(visitor, self.limits) };
            self.inner.$method($($arg,)* visitor).or(Err(Unfit))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guard<'_, D> {
    type Error = Unfit;

    forward_leaves! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_bytes deserialize_unit deserialize_identifier deserialize_ignored_any
    }

    /// Asks for a borrowed string: for an owned one bincode allocates what the bytes claim.
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_str(visitor)
    }

    /// Asks for borrowed bytes, for the same reason.
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
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
    ) -> Result<V::Value, Unfit> {
        self.inner.deserialize_unit_struct(name, visitor).or(Err(Unfit))
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

impl<'de, V: Visitor<'de>> Visitor<'de> for Guard<'_, V> {
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
        self.inner.visit_some(Guard::new(deserializer, self.limits)).map_err(D::Error::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Guard::new(inner, self.limits)).map_err(D::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let seq = Guard { inner: seq, limits: self.limits, counted: self.counted };
        self.inner.visit_seq(seq).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let map = Guard { inner: map, limits: self.limits, counted: self.counted };
        self.inner.visit_map(map).map_err(A::Error::custom)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Guard::new(data, self.limits)).map_err(A::Error::custom)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Guard<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Guard::new(deserializer, self.limits)).map_err(D::Error::custom)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Guard<'_, A> {
    type Error = Unfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unfit> {
        if self.counted {
            self.limits.charge::<S::Value>()?;
        }
        self.inner.next_element_seed(Guard::new(seed, self.limits)).or(Err(Unfit))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Guard<'_, A> {
    type Error = Unfit;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unfit> {
        if self.counted {
            self.limits.charge::<S::Value>()?;
        }
        self.inner.next_key_seed(Guard::new(seed, self.limits)).or(Err(Unfit))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unfit> {
        if self.counted {
            self.limits.charge::<S::Value>()?;
        }
        self.inner.next_value_seed(Guard::new(seed, self.limits)).or(Err(Unfit))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Guard<'a, A> {
    type Error = Unfit;
    type Variant = Guard<'a, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Unfit> {
        let (value, variant) =
            self.inner.variant_seed(Guard::new(seed, self.limits)).or(Err(Unfit))?;
        Ok((value, Guard::new(variant, self.limits)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guard<'_, A> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        self.inner.unit_variant().or(Err(Unfit))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unfit> {
        self.inner.newtype_variant_seed(Guard::new(seed, self.limits)).or(Err(Unfit))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.inner.tuple_variant(len, Guard::new(visitor, self.limits)).or(Err(Unfit))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.inner.struct_variant(fields, Guard::new(visitor, self.limits)).or(Err(Unfit))
    }
}
