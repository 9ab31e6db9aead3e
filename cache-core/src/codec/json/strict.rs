//! Refuses values that JSON would give back as other values.

use std::cell::Cell;

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A serializer that refuses what would become `null` and then something else.
pub(super) struct Strict<'a, S> {
    inner: S,
    why: &'a Cell<&'static str>,
    /// Whether the value is that of a `Some`, so that `null` would be read as `None`.
    filled: bool,
}

impl<'a, S: Serializer> Strict<'a, S> {
    /// Wraps `inner`; the reason of an error is left in `why`.
    pub(super) fn new(inner: S, why: &'a Cell<&'static str>) -> Self {
        Self { inner, why, filled: false }
    }

    fn refused(&self, why: &'static str) -> S::Error {
        self.why.set(why);
        S::Error::custom(why)
    }

    fn check_null(&self) -> Result<(), S::Error> {
        if self.filled {
            return Err(self.refused("it holds `Some` of nothing, which would be read as `None`"));
        }
        Ok(())
    }

    fn check_finite(&self, is_finite: bool) -> Result<(), S::Error> {
        if !is_finite {
            return Err(self.refused("it holds a number that is not finite (NaN, infinity)"));
        }
        Ok(())
    }
}

/// A part of a value, on its way to a serializer of the codec.
struct Part<'a, T: ?Sized> {
    value: &'a T,
    why: &'a Cell<&'static str>,
    filled: bool,
}

impl<'a, T: ?Sized> Part<'a, T> {
    fn new(value: &'a T, why: &'a Cell<&'static str>) -> Self {
        Self { value, why, filled: false }
    }
}

impl<T: Serialize + ?Sized> Serialize for Part<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, why, filled } = *self;
        value.serialize(Strict { inner: serializer, why, filled })
    }
}

/// What takes the parts of a sequence, map or struct.
pub(super) struct Parts<'a, C> {
    inner: C,
    why: &'a Cell<&'static str>,
}

macro_rules! forward_leaves {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

macro_rules! forward_nested {
    ($($method:ident($($arg:ident: $type:ty),*) -> $parts:ident;)*) => {$(
        fn $method(self, $($arg: $type),*) -> Result<Self::$parts, S::Error> {
            Ok(Parts { inner: self.inner.$method($($arg),*)?, why: self.why })
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Strict<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<'a, S::SerializeSeq>;
    type SerializeTuple = Parts<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Parts<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<'a, S::SerializeTupleVariant>;
    type SerializeMap = Parts<'a, S::SerializeMap>;
    type SerializeStruct = Parts<'a, S::SerializeStruct>;
    type SerializeStructVariant = Parts<'a, S::SerializeStructVariant>;

    forward_leaves! {
        serialize_bool(bool); serialize_char(char); serialize_str(&str); serialize_bytes(&[u8]);
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_i128(i128); serialize_u8(u8); serialize_u16(u16); serialize_u32(u32);
        serialize_u64(u64); serialize_u128(u128);
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.check_finite(value.is_finite())?;
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.check_finite(value.is_finite())?;
        self.inner.serialize_f64(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.check_null()?;
        self.inner.serialize_none()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.check_null()?;
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.check_null()?;
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Part { value, why: self.why, filled: true })
    }

    /// In JSON a newtype is what it holds.
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let part = Part { value, why: self.why, filled: self.filled };
        self.inner.serialize_newtype_struct(name, &part)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let part = Part::new(value, self.why);
        self.inner.serialize_newtype_variant(name, index, variant, &part)
    }

    forward_nested! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeStructVariant;
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! rows {
    ($($trait:ident: $method:ident;)*) => {$(
        impl<C: $trait> $trait for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.inner.$method(&Part::new(value, self.why))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

macro_rules! records {
    ($($trait:ident)*) => {$(
        impl<C: $trait> $trait for Parts<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                self.inner.serialize_field(name, &Part::new(value, self.why))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(name)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

rows! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

records! { SerializeStruct SerializeStructVariant }

impl<C: SerializeMap> SerializeMap for Parts<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(&Part::new(key, self.why))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.inner.serialize_value(&Part::new(value, self.why))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
