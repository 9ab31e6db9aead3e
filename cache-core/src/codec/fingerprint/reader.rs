//! The deserializer that a type is shown: every question goes to the [`Probe`].

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::answers::{BOOLS, BYTE_LENGTHS, CHARS, FLOATS, INTEGERS, STRINGS, ZEROS};
use super::probe::{Dead, Probe, Refused};
use super::shape::{Kind, Shape};

/// The most elements tried for a type that wants a certain number of them.
const MAX_ELEMENTS: usize = 4;

/// Answers questions for plain values from a table.
macro_rules! answer {
    ($($method:ident: $kind:ident, $table:ident, $visit:ident($value:ident) => $answer:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            let index = self.answer::<V>(Kind::$kind, $table.len())?;
            let $value = *$table.get(index).ok_or(Refused)?;
            let value = visitor.$visit($answer)?;
            self.accept::<V>(index);
            Ok(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Probe {
    type Error = Refused;

    answer! {
        deserialize_bool: Bool, BOOLS, visit_bool(value) => value;
        deserialize_i8: I8, INTEGERS, visit_i8(value) => value as i8;
        deserialize_i16: I16, INTEGERS, visit_i16(value) => value as i16;
        deserialize_i32: I32, INTEGERS, visit_i32(value) => value as i32;
        deserialize_i64: I64, INTEGERS, visit_i64(value) => value;
        deserialize_i128: I128, INTEGERS, visit_i128(value) => value.into();
        deserialize_u8: U8, INTEGERS, visit_u8(value) => value as u8;
        deserialize_u16: U16, INTEGERS, visit_u16(value) => value as u16;
        deserialize_u32: U32, INTEGERS, visit_u32(value) => value as u32;
        deserialize_u64: U64, INTEGERS, visit_u64(value) => value as u64;
        deserialize_u128: U128, INTEGERS, visit_u128(value) => value as u128;
        deserialize_f32: F32, FLOATS, visit_f32(value) => value;
        deserialize_f64: F64, FLOATS, visit_f64(value) => value.into();
        deserialize_char: Char, CHARS, visit_char(value) => value;
        deserialize_str: Str, STRINGS, visit_borrowed_str(value) => value;
        deserialize_string: Str, STRINGS, visit_string(value) => value.to_owned();
        deserialize_bytes: Bytes, BYTE_LENGTHS, visit_borrowed_bytes(len) => &ZEROS[..len];
        deserialize_byte_buf: Bytes, BYTE_LENGTHS, visit_byte_buf(len) => ZEROS[..len].to_vec();
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.note(Shape::of(Kind::Unit))?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.note(Shape::of(Kind::Unit).name(name))?;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.within::<V, _>(Shape::of(Kind::Option), |probe| match probe.choose_len(1) {
            0 => visitor.visit_none(),
            _ => visitor.visit_some(probe),
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let shape = Shape::of(Kind::Newtype).name(name);
        self.within::<V, _>(shape, |probe| visitor.visit_newtype_struct(probe))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.within::<V, _>(Shape::of(Kind::Seq), |probe| {
            let left = probe.choose_len(MAX_ELEMENTS);
            visitor.visit_seq(Parts { probe, left })
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.within::<V, _>(Shape::of(Kind::Map), |probe| {
            let left = probe.choose_len(MAX_ELEMENTS);
            visitor.visit_map(Parts { probe, left })
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_tuple_struct("", len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let shape = Shape::of(Kind::Tuple).name(name).number(len);
        self.within::<V, _>(shape, |probe| visitor.visit_seq(Parts { probe, left: len }))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let shape = Shape::of(Kind::Struct).name(name).parts(fields);
        // As positional codecs do; the names are in the record.
        self.within::<V, _>(shape, |probe| visitor.visit_seq(Parts { probe, left: fields.len() }))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let shape = Shape::of(Kind::Enum).name(name).parts(variants);
        self.within::<V, _>(shape, |probe| {
            let variant = probe.choose_variant::<V>(variants.len())?;
            let value = visitor.visit_enum(OneVariant { probe, variant })?;
            probe.end_variant::<V>(variant);
            Ok(value)
        })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refused> {
        Err(self.die(Dead::Asks))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refused> {
        Err(self.die(Dead::Asks))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refused> {
        Err(self.die(Dead::Asks))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a sequence, the fields of a struct, or the entries of a map.
struct Parts<'a> {
    probe: &'a mut Probe,
    left: usize,
}

impl Parts<'_> {
    fn next<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refused> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.probe).map(Some)
    }
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        seed.deserialize(&mut *self.probe)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

struct OneVariant<'a> {
    probe: &'a mut Probe,
    variant: usize,
}

impl<'de, 'a> EnumAccess<'de> for OneVariant<'a> {
    type Error = Refused;
    type Variant = &'a mut Probe;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Refused> {
        let index = IntoDeserializer::<Refused>::into_deserializer(self.variant as u32);
        match seed.deserialize(index) {
            Ok(value) => Ok((value, self.probe)),
            Err(refused) => {
                self.probe.refuse_variant();
                Err(refused)
            }
        }
    }
}

impl<'de> VariantAccess<'de> for &mut Probe {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        self.note(Shape::of(Kind::Unit))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refused> {
        self.note(Shape::of(Kind::Newtype))?;
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refused> {
        self.note(Shape::of(Kind::Tuple).number(len))?;
        visitor.visit_seq(Parts { probe: self, left: len })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.note(Shape::of(Kind::Struct).parts(fields))?;
        visitor.visit_seq(Parts { probe: self, left: fields.len() })
    }
}
