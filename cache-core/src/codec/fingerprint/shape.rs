//! What a type asks for, as it is written down for hashing.

/// Something a type asks its deserializer for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shape {
    kind: Kind,
    name: &'static str,
    parts: &'static [&'static str],
    number: usize,
}

impl Shape {
    pub(super) fn of(kind: Kind) -> Self {
        Self { kind, name: "", parts: &[], number: 0 }
    }

    pub(super) fn name(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    pub(super) fn number(self, number: usize) -> Self {
        Self { number, ..self }
    }

    /// Sets the names of fields or variants.
    pub(super) fn parts(self, parts: &'static [&'static str]) -> Self {
        Self { parts, number: parts.len(), ..self }
    }

    /// Writes this down so that no two rows of shapes look the same.
    pub(super) fn note(self, record: &mut Vec<u8>) {
        record.push(self.kind as u8);
        record.extend((self.number as u64).to_le_bytes());
        for text in [self.name].iter().chain(self.parts) {
            record.extend((text.len() as u64).to_le_bytes());
            record.extend_from_slice(text.as_bytes());
        }
    }
}

/// The kinds of shapes.
///
/// The numbers are part of every stored fingerprint: to change one makes every entry a miss.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Kind {
    Bool = 1,
    Bytes = 2,
    Char = 3,
    /// The end of something with parts.
    End = 4,
    Enum = 5,
    F32 = 6,
    F64 = 7,
    I8 = 8,
    I16 = 9,
    I32 = 10,
    I64 = 11,
    I128 = 12,
    Map = 13,
    Newtype = 14,
    Option = 15,
    /// Something with parts that was written down before; the number says as which.
    Seen = 16,
    Seq = 17,
    Str = 18,
    Struct = 19,
    Tuple = 20,
    U8 = 21,
    U16 = 22,
    U32 = 23,
    U64 = 24,
    U128 = 25,
    Unit = 26,
    /// The number of the variant that follows.
    Variant = 27,
}
