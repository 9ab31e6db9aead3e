//! Arguments of keys, and their text as `docs/keys.md` describes it.

use super::Source;
use crate::key::{KeyPart, KeyWriter};

/// What an argument of a key can be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Bytes(Vec<u8>),
    Empty,
    Filled(Box<Shape>),
    Integer(i128),
    Row(Vec<Shape>),
    Symbol(String),
    Text(String),
    Variant(String, Vec<Shape>),
}

/// Texts that look like something else, or hold what separates.
pub(super) const TEXTS: [&str; 22] = [
    "", "-", "-1", "42", "1.5", ".Free", "..", "~", "~true", "=", "=x", "$00", "%2D", "a:b", "a/b",
    "@", "(a,)", ",", "!", "é", "\0", "xxxxxxxx",
];

impl Shape {
    pub(super) fn take(source: &mut Source<'_>, depth: usize) -> Self {
        let row = |source: &mut Source<'_>| {
            (0..source.below(4)).map(|_| Self::take(source, depth.saturating_sub(1))).collect()
        };
        match source.below(8) {
            0 => Self::Bytes(source.bytes(3).to_vec()),
            1 => Self::Empty,
            2 if depth > 0 => Self::Filled(Box::new(Self::take(source, depth - 1))),
            3 => Self::Integer(i64::from_le_bytes(source.array()).into()),
            4 if depth > 0 => Self::Row(row(source)),
            5 => Self::Symbol(format!("x{}", source.text(&TEXTS))),
            6 if depth > 0 => Self::Variant(source.text(&TEXTS), row(source)),
            _ => Self::Text(source.text(&TEXTS)),
        }
    }

    /// Reads an argument from the front of `text`, and returns what is behind it.
    pub(super) fn read(text: &str) -> Option<(Self, &str)> {
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        Some(match text.chars().next() {
            Some('$') => {
                let end = text[1..].find([':', ',', ')']).map_or(text.len(), |end| end + 1);
                let hex = |pair: usize| u8::from_str_radix(text.get(pair..pair + 2)?, 16).ok();
                let bytes = (1..end).step_by(2).map(hex).collect::<Option<_>>()?;
                (Self::Bytes(bytes), &text[end..])
            }
            Some('~') => match word(&text[1..])? {
                (name, rest) if name.is_empty() => (Self::Empty, rest),
                (name, rest) => (Self::Symbol(name), rest),
            },
            Some('=') => {
                let (inner, rest) = Self::read(&text[1..])?;
                (Self::Filled(Box::new(inner)), rest)
            }
            Some('(') => {
                let (row, rest) = row(text)?;
                (Self::Row(row), rest)
            }
            Some('.') => {
                let (name, rest) = word(&text[1..])?;
                let (row, rest) = if rest.starts_with('(') { row(rest)? } else { (vec![], rest) };
                (Self::Variant(name, row), rest)
            }
            Some('-' | '0'..='9') => {
                let end = 1 + digits(&text[1..]);
                (Self::Integer(text[..end].parse().ok()?), &text[end..])
            }
            _ => {
                let (text, rest) = word(text)?;
                (Self::Text(text), rest)
            }
        })
    }

    /// Returns how many bytes the argument takes.
    pub(super) fn len(&self) -> usize {
        let row = |parts: &[Self]| 2 + parts.iter().map(|part| part.len() + 1).sum::<usize>();
        match self {
            Self::Bytes(bytes) => 1 + 2 * bytes.len(),
            Self::Empty => 1,
            Self::Filled(inner) => 1 + inner.len(),
            Self::Integer(number) => number.to_string().len(),
            Self::Row(parts) => row(parts),
            Self::Symbol(name) => 1 + escaped_len(name),
            Self::Text(text) => {
                let guarded = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.');
                escaped_len(text) + if text.starts_with(guarded) { 2 } else { 0 }
            }
            Self::Variant(name, parts) if parts.is_empty() => 1 + escaped_len(name),
            Self::Variant(name, parts) => 1 + escaped_len(name) + row(parts),
        }
    }
}

impl KeyPart for Shape {
    fn write(&self, out: &mut KeyWriter) {
        match self {
            Self::Bytes(bytes) => out.bytes(bytes),
            Self::Empty => out.option(None),
            Self::Filled(inner) => out.option(Some(&**inner)),
            Self::Integer(number) => number.write(out),
            Self::Row(row) => row.write(out),
            Self::Symbol(name) => out.symbol(name),
            Self::Text(text) => text.write(out),
            Self::Variant(name, row) => {
                let row: Vec<_> = row.iter().map(|part| part as &dyn KeyPart).collect();
                out.variant(name, &row);
            }
        }
    }
}

/// How many bytes a text takes, one that no mark must be told from.
pub(super) fn escaped_len(text: &str) -> usize {
    text.bytes().map(|byte| if is_plain(byte) { 1 } else { 3 }).sum()
}

/// Reads escaped text up to the next mark, and returns what is behind it.
pub(super) fn word(text: &str) -> Option<(String, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next().filter(|byte| is_plain(*byte) || *byte == b'%') {
        let length = if first == b'%' { 3 } else { 1 };
        bytes.push(match rest.get(1..length)? {
            "" => first,
            code => u8::from_str_radix(code, 16).ok()?,
        });
        rest = &rest[length..];
    }
    Some((String::from_utf8(bytes).ok()?, rest))
}

fn row(text: &str) -> Option<(Vec<Shape>, &str)> {
    let mut rest = text.strip_prefix('(')?;
    let mut parts = Vec::new();
    while !rest.starts_with(')') {
        let (part, behind) = Shape::read(rest)?;
        parts.push(part);
        rest = behind.strip_prefix(',')?;
    }
    Some((parts, &rest[1..]))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}
