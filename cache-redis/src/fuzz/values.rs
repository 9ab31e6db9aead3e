//! What a server may send, as a tree.

use cache_core::fuzz::Source;
use redis::{PushKind, Value, parse_redis_value};

use super::SECRET;

const TEXTS: [&str; 18] = [
    "",
    "?",
    "10.0.0.1",
    "6379",
    "0",
    "::1",
    "a",
    "ip",
    "port",
    "ok",
    "master-link-status",
    "atlas:!news",
    "atlas:profile:-:-",
    "me atlas:a atlas:b",
    "0123456789abcdef",
    "~0123456789abcdef",
    "a b",
    SECRET,
];

const NUMBERS: [i64; 10] = [0, 1, -1, 6379, 16_383, 16_384, 65_535, 65_536, i64::MAX, i64::MIN];

const REFUSALS: [&str; 10] = [
    "-MOVED 3999 10.0.0.1:6381",
    "-ASK 3999 ::1:6381",
    "-MOVED 3999 :0",
    "-MOVED 1",
    "-NOPERM User CANARYpw has no permissions to run the 'evalsha' command",
    "-WRONGTYPE Operation against a key",
    "-OOM command not allowed",
    "-LOADING",
    "-CANARYpw x",
    "-ERR max number of clients CANARYpw",
];

/// Reads what is left as a server's answer, or grows one from it.
pub(super) fn value(source: &mut Source<'_>) -> Value {
    match source.byte() {
        0 => parse_redis_value(source.rest()).unwrap_or(Value::Nil),
        _ => grown(source, 4),
    }
}

/// Grows a tree of at most this depth.
pub(super) fn grown(source: &mut Source<'_>, depth: usize) -> Value {
    let inner = depth.saturating_sub(1);
    match source.below(if depth == 0 { 10 } else { 16 }) {
        0 => Value::Nil,
        1 => Value::Int(source.pick(&NUMBERS)),
        2 => Value::Int(u16::from_le_bytes(source.array()).into()),
        3 => Value::SimpleString(source.text(&TEXTS)),
        4 => Value::Okay,
        5 => parse_redis_value(format!("{}\r\n", source.pick(&REFUSALS)).as_bytes())
            .unwrap_or(Value::Nil),
        6 => Value::Double(f64::from(source.byte())),
        7 => Value::Boolean(source.coin()),
        8 => Value::BulkString(source.bytes(18).to_vec()),
        9 => Value::BulkString(source.text(&TEXTS).into()),
        10 => Value::Map(pairs(source, inner)),
        11 => Value::Set(row(source, inner)),
        12 => {
            let data = Box::new(grown(source, inner));
            Value::Attribute { data, attributes: pairs(source, inner) }
        }
        13 => Value::Push { kind: kind(source), data: row(source, inner) },
        _ => Value::Array(row(source, inner)),
    }
}

/// Grows some trees.
pub(super) fn row(source: &mut Source<'_>, depth: usize) -> Vec<Value> {
    (0..source.below(5)).map(|_| grown(source, depth)).collect()
}

/// Takes a kind of push, most often one that matters.
pub(super) fn kind(source: &mut Source<'_>) -> PushKind {
    match source.below(8) {
        0 => PushKind::Other(source.text(&TEXTS)),
        1 => PushKind::Subscribe,
        2 => PushKind::PMessage,
        3 => PushKind::Disconnection,
        4 | 5 => PushKind::Message,
        _ => PushKind::Invalidate,
    }
}

fn pairs(source: &mut Source<'_>, depth: usize) -> Vec<(Value, Value)> {
    (0..source.below(4)).map(|_| (grown(source, depth), grown(source, depth))).collect()
}
