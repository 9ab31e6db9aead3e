//! A value with something of everything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Source;

/// A value with something of everything.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Sample {
    id: u64,
    name: String,
    kind: Kind,
    rows: BTreeMap<String, Vec<u16>>,
    pairs: Vec<(i128, bool)>,
    letter: Option<char>,
    inner: Option<Box<Sample>>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
enum Kind {
    #[default]
    Empty,
    Fields {
        small: i8,
        unit: (),
    },
    Many(Vec<Kind>),
    One(u32),
}

const TEXTS: [&str; 3] = ["", "é", "a longer text, for two bytes of length"];

impl Sample {
    pub(super) fn take(source: &mut Source<'_>, depth: usize) -> Self {
        let row = |source: &mut Source<'_>| {
            (source.text(&TEXTS), source.bytes(4).iter().map(|byte| u16::from(*byte)).collect())
        };
        Self {
            id: u64::from_le_bytes(source.array()),
            name: source.text(&TEXTS),
            kind: Kind::take(source, depth),
            rows: (0..source.below(3)).map(|_| row(source)).collect(),
            pairs: (0..source.below(3))
                .map(|_| (i128::from_le_bytes(source.array()), source.coin()))
                .collect(),
            letter: char::from_u32(u32::from_le_bytes(source.array())),
            inner: (depth > 0 && source.coin()).then(|| Box::new(Self::take(source, depth - 1))),
        }
    }
}

impl Kind {
    fn take(source: &mut Source<'_>, depth: usize) -> Self {
        match source.below(4) {
            0 => Self::Fields { small: source.byte() as i8, unit: () },
            1 => Self::One(u32::from_le_bytes(source.array())),
            2 if depth > 0 => {
                Self::Many((0..source.below(4)).map(|_| Self::take(source, depth - 1)).collect())
            }
            _ => Self::Empty,
        }
    }
}
