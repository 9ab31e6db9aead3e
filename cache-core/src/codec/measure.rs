//! How large a value is, found by walking it without writing anything.

use std::any::type_name;
use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::MAX_DEPTH;
use crate::{Error, ErrorKind, Result};

/// What a walk over a value found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Measure {
    /// About how much memory the value takes, in bytes, inline and on the heap; [`usize::MAX`] if it
    /// is nested deeper than [`MAX_DEPTH`], as the walk then ends.
    pub weight: usize,
    /// How deep it is nested; one more than [`MAX_DEPTH`] for all that is deeper than that.
    pub depth: usize,
    /// Whether a sequence or map did not say its length (`flatten`), which a positional codec needs.
    pub open: bool,
    /// Whether a field was left out (`skip_serializing_if`), which a positional codec misreads.
    pub skipped: bool,
    /// Whether the value as a whole is `None`.
    pub none: bool,
}

impl Measure {
    /// Refuses a value that is nested deeper than [`MAX_DEPTH`].
    pub(crate) fn check_depth<T: ?Sized>(&self) -> Result<()> {
        if self.depth > MAX_DEPTH {
            let text = format!("a `{}` nested more than {MAX_DEPTH} deep", type_name::<T>());
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        Ok(())
    }
}

/// Measures a value.
///
/// The weight is an estimate from what `Serialize` shows: it knows no spare capacity, and counts shared
/// parts as often as they occur.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if the value's own `Serialize` fails.
pub fn measure<T: Serialize + ?Sized>(value: &T) -> Result<Measure> {
    let mut walker = Walker::default();
    let walked = value.serialize(&mut walker);
    if walker.found.depth > MAX_DEPTH {
        walker.found.weight = usize::MAX;
        return Ok(walker.found);
    }
    walked.map_err(|cause| {
        let text = format!("a `{}` could not be serialized", type_name::<T>());
        Error::new(ErrorKind::InvalidInput, text).with_source(cause)
    })?;
    Ok(walker.found)
}

/// The inline part of a string, sequence or map: pointer, length, capacity.
const HANDLE: usize = size_of::<Vec<u8>>();

/// What a map spends on an entry besides key and value.
const SLOT: usize = 16;

/// The tag of an enum, with its padding.
const TAG: usize = 8;

#[derive(Default)]
struct Walker {
    found: Measure,
    level: usize,
}

impl Walker {
    fn add(&mut self, weight: usize) -> Result<(), Refused> {
        self.found.weight = self.found.weight.saturating_add(weight);
        Ok(())
    }

    /// Goes one level down, unless that is too deep: each level takes stack of the caller's task.
    fn enter(&mut self, weight: usize) -> Result<&mut Self, Refused> {
        self.found.depth = self.found.depth.max(self.level + 1);
        if self.level == MAX_DEPTH {
            return Err(Refused);
        }
        self.level += 1;
        self.add(weight)?;
        Ok(self)
    }

    fn leave(&mut self) -> Result<(), Refused> {
        self.level -= 1;
        Ok(())
    }

    fn nested<T: Serialize + ?Sized>(&mut self, weight: usize, value: &T) -> Result<(), Refused> {
        value.serialize(&mut *self.enter(weight)?)?;
        self.leave()
    }
}

macro_rules! leaves {
    ($($method:ident($value:ident: $type:ty) = $weight:expr;)*) => {$(
        fn $method(self, $value: $type) -> Result<(), Refused> {
            self.add($weight)
        }
    )*};
}

impl<'a> Serializer for &'a mut Walker {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = &'a mut Walker;
    type SerializeTuple = &'a mut Walker;
    type SerializeTupleStruct = &'a mut Walker;
    type SerializeTupleVariant = &'a mut Walker;
    type SerializeMap = &'a mut Walker;
    type SerializeStruct = &'a mut Walker;
    type SerializeStructVariant = &'a mut Walker;

    leaves! {
        serialize_bool(_value: bool) = 1;
        serialize_i8(_value: i8) = 1;
        serialize_i16(_value: i16) = 2;
        serialize_i32(_value: i32) = 4;
        serialize_i64(_value: i64) = 8;
        serialize_i128(_value: i128) = 16;
        serialize_u8(_value: u8) = 1;
        serialize_u16(_value: u16) = 2;
        serialize_u32(_value: u32) = 4;
        serialize_u64(_value: u64) = 8;
        serialize_u128(_value: u128) = 16;
        serialize_f32(_value: f32) = 4;
        serialize_f64(_value: f64) = 8;
        serialize_char(_value: char) = 4;
        serialize_str(value: &str) = HANDLE + value.len();
        serialize_bytes(value: &[u8]) = HANDLE + value.len();
        serialize_unit_struct(_name: &'static str) = 0;
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.found.none |= self.level == 0;
        self.enter(TAG)?.leave()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.nested(0, value)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), Refused> {
        self.enter(TAG)?.leave()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.nested(0, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.nested(TAG, value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Refused> {
        self.found.open |= len.is_none();
        self.enter(HANDLE)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Refused> {
        self.enter(0)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        self.enter(0)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Refused> {
        self.enter(TAG)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, Refused> {
        self.found.open |= len.is_none();
        self.enter(HANDLE)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        self.enter(0)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Refused> {
        self.enter(TAG)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! rows {
    ($($trait:ident: $method:ident;)*) => {$(
        impl $trait for &mut Walker {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), Refused> {
                self.leave()
            }
        }
    )*};
}

macro_rules! records {
    ($($trait:ident)*) => {$(
        impl $trait for &mut Walker {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                value.serialize(&mut **self)
            }

            fn skip_field(&mut self, _: &'static str) -> Result<(), Refused> {
                self.found.skipped = true;
                Ok(())
            }

            fn end(self) -> Result<(), Refused> {
                self.leave()
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

impl SerializeMap for &mut Walker {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.add(SLOT)?;
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Refused> {
        self.leave()
    }
}

/// A `Serialize` refused its own value, or it is too deep. Without its text, which may show the value.
#[derive(Debug)]
struct Refused;

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its `Serialize` returned an error")
    }
}

impl std::error::Error for Refused {}

impl serde::ser::Error for Refused {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}
