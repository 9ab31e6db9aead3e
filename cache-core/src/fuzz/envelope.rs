//! Bytes as an entry, by themselves and in a right frame.

use std::collections::HashMap;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use super::sample::Sample;
use crate::Result;
use crate::codec::{Bincode, Codec, CodecId, Visit, decode_value, encode_value, measure};
use crate::wire::{self, Flaw, tag_names};

/// What a reader takes at most.
const LIMIT: usize = 1 << 11;

/// Reads bytes as an entry, once as they are and once with a frame that is right.
///
/// # Panics
///
/// If bytes are believed that are not sound, if what was read cannot be written and read again, or if a
/// value takes far more memory than its bytes.
pub fn envelope(data: &[u8]) {
    read(data);
    read(&framed(data));
}

/// Whether mark, wire version, lengths and checksum are as `docs/wire-format.md` says.
pub(super) fn is_sound(stored: &[u8]) -> bool {
    let Some((head, tail)) = stored.split_at_checked(64) else { return false };
    let payload = u32::from_le_bytes([head[56], head[57], head[58], head[59]]);
    head[..2] == [0xCA, 1]
        && payload as usize + usize::from(head[20]) * 16 == tail.len()
        && head[60..] == xxh3_64(&[&head[..60], tail].concat()).to_le_bytes()[..4]
}

/// Gives bytes the mark, the version, the lengths and the checksum that an entry of them has.
fn framed(data: &[u8]) -> Vec<u8> {
    let mut stored = data.to_vec();
    stored.resize(data.len().max(64), 0);
    stored[..2].copy_from_slice(&[0xCA, 1]);
    let tail = stored.len() - 64;
    stored[20] = stored[20].min((tail / 16).min(255) as u8);
    let payload = (tail - usize::from(stored[20]) * 16) as u32;
    stored[56..60].copy_from_slice(&payload.to_le_bytes());
    let sum = xxh3_64(&[&stored[..60], &stored[64..]].concat());
    stored[60..64].copy_from_slice(&sum.to_le_bytes()[..4]);
    stored
}

fn read(stored: &[u8]) {
    let (header, payload) = match wire::decode(stored, LIMIT) {
        Ok(read) => read,
        Err(Flaw::Codec | Flaw::Key | Flaw::Payload | Flaw::Schema) => {
            panic!("a flaw that only the reader can find")
        }
        Err(_) => return drop(tag_names(stored)),
    };
    assert!(is_sound(stored), "believed");
    // Names of tags are no part of the value.
    let names = header.tags.iter().map(|tag| tag.len() + 1).sum::<usize>();
    assert!(payload.len() <= LIMIT + (1 + 255 * 256) - names, "over the limit");
    assert!(tag_names(stored).iter().copied().eq(header.tags.iter().map(|tag| &**tag)));
    let again = wire::encode(&header, payload).expect("what was read can be written");
    let compressed = header.compressed;
    assert_eq!(wire::decode(&again, usize::MAX), Ok((header, payload)));
    if !compressed {
        return values(payload);
    }
    if let Ok(payload) = wire::decompress(payload, LIMIT) {
        assert!(payload.len() <= LIMIT, "decompressed over the limit");
        values(&payload);
    }
}

fn values(payload: &[u8]) {
    value::<Sample>(payload);
    value::<String>(payload);
    value::<HashMap<u8, String>>(payload);
    value::<Vec<Option<[u64; 4]>>>(payload);
    value::<(Option<Box<str>>, Vec<Vec<u8>>, Option<i64>)>(payload);
    #[cfg(feature = "json")]
    {
        named::<Sample>(payload);
        named::<HashMap<u8, String>>(payload);
        named::<serde_json::Value>(payload);
    }
}

/// Reads a payload as a `T` in JSON.
#[cfg(feature = "json")]
fn named<T: Debug + DeserializeOwned + PartialEq + Serialize>(payload: &[u8]) {
    use crate::codec::Json;
    let Ok(value) = decode_value::<T>(&Json, payload) else { return };
    let again = encode_value(&Json, &value).expect("what was read can be written");
    assert_eq!(decode_value::<T>(&Json, &again).ok(), Some(value));
}

/// Reads a payload as a `T` on both ways that there are.
fn value<T: Debug + DeserializeOwned + PartialEq + Serialize>(payload: &[u8]) {
    let direct = decode_value::<T>(&Bincode, payload).ok();
    assert_eq!(direct, decode_value::<T>(&Erased, payload).ok());
    let Some(value) = direct else { return };
    let weight = measure(&value).expect("a value of ours can be walked").weight;
    assert!(weight <= 1024 + 128 * payload.len(), "{weight} bytes out of {}", payload.len());
    let again = encode_value(&Bincode, &value).expect("what was read can be written");
    assert_eq!(decode_value::<T>(&Bincode, &again).ok(), Some(value));
}

/// Bincode, as a codec of somebody else.
#[derive(Debug)]
struct Erased;

impl Codec for Erased {
    fn id(&self) -> CodecId {
        CodecId::custom(0)
    }

    fn self_describing(&self) -> bool {
        false
    }

    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
        Bincode.encode(value, out)
    }

    fn decode(&self, bytes: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        Bincode.decode(bytes, visit)
    }
}
