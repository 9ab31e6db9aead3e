//! From values to stored entries and back.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;

use super::answer::Value;
use super::decide::{Action, Left, Window, decide};
use crate::clock::Clock;
use crate::codec::{self, Codec, fingerprint};
use crate::key::Key;
use crate::policy::{Lifetime, Settings};
use crate::random::random;
use crate::wire::{self, Flaw, Header};
use crate::{Error, ErrorKind, Result};

/// Writes and reads the entries of the remote level.
#[derive(Debug)]
pub(crate) struct Packer {
    codec: Arc<dyn Codec>,
    clock: Arc<dyn Clock>,
    max_value_bytes: usize,
    compress_over: usize,
    /// At most [`MAX_SCHEMAS`], and one for each type without a version.
    schemas: RwLock<HashMap<(TypeId, Option<u32>), Schema>>,
}

/// More than any program has; bounds what versions that are computed can take.
const MAX_SCHEMAS: usize = 4096;

/// What is known of a type: its fingerprint, and whether a value of it was read back once.
#[derive(Clone, Debug)]
struct Schema {
    fingerprint: Result<u64>,
    checked: Arc<AtomicBool>,
}

/// What an entry says beside its value.
#[derive(Clone, Debug)]
pub(crate) struct Label<'a> {
    pub(crate) key: &'a Key,
    pub(crate) schema: Option<u32>,
    pub(crate) lifetime: Lifetime,
    pub(crate) cost: Duration,
    pub(crate) generations: &'a [(u64, u64)],
    pub(crate) tags: Vec<Box<[u8]>>,
}

/// An entry, and how large its value is.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) entry: Bytes,
    /// The bytes that the codec wrote.
    pub(crate) payload: usize,
    /// How many of them are left after compression.
    pub(crate) stored: usize,
}

/// What an entry says.
#[derive(Debug)]
pub(crate) struct Unpacked<V> {
    pub(crate) value: V,
    pub(crate) left: Left,
    /// How long its load took.
    pub(crate) cost: Duration,
}

/// Why stored bytes are not an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unusable {
    Expired,
    Flawed(Flaw),
    Invalidated,
}

impl Packer {
    pub(crate) fn new(codec: Arc<dyn Codec>, clock: Arc<dyn Clock>, settings: &Settings) -> Self {
        let (max_value_bytes, compress_over) = (settings.max_value_bytes, settings.compress_over());
        Self { codec, clock, max_value_bytes, compress_over, schemas: RwLock::default() }
    }

    /// Makes an entry of `value`.
    pub(crate) fn pack<V: Value>(&self, value: &V, label: Label<'_>) -> Result<Packed> {
        let schema = self.schema::<V>(label.schema);
        let fingerprint = schema.fingerprint?;
        let payload = codec::encode_value(&*self.codec, value)?;
        if payload.len() > self.max_value_bytes {
            let text = format!("a value of {} bytes is over `max_value_bytes`", payload.len());
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        if !schema.checked.load(Ordering::Relaxed) {
            codec::check_round_trip::<V>(&*self.codec, &payload)?;
            schema.checked.store(true, Ordering::Relaxed);
        }
        let payload_len = payload.len();
        let (compressed, payload) = self.compress(payload);
        let header = Header {
            codec: self.codec.id().as_u8(),
            compressed,
            fingerprint,
            created: self.now(),
            fresh: label.lifetime.fresh,
            stale: label.lifetime.stale,
            cost: label.cost,
            version: random(),
            key: label.key.echo(),
            groups: label.generations.to_vec(),
            tags: label.tags,
        };
        let entry = wire::encode(&header, &payload)?;
        Ok(Packed { entry, payload: payload_len, stored: payload.len() })
    }

    /// Takes the value out of an entry.
    pub(crate) fn unpack<V: Value>(
        &self,
        stored: &[u8],
        key: &Key,
        schema: Option<u32>,
        generations: &[(u64, u64)],
    ) -> Result<Unpacked<V>, Unusable> {
        let (header, payload) = wire::decode(stored, self.max_value_bytes)?;
        // A type without a fingerprint was never written, so whatever this is, it is not ours.
        let fingerprint = self.schema::<V>(schema).fingerprint.map_err(|_| Flaw::Schema)?;
        header.check(key.echo(), self.codec.id().as_u8(), fingerprint)?;
        if header.groups != generations {
            return Err(Unusable::Invalidated);
        }
        let age = Duration::from_millis(self.now().saturating_sub(header.created));
        let window = Window { fresh: header.fresh, stale: header.stale };
        let (Action::Serve(left) | Action::ServeStale(left)) = decide(Some(age), window) else {
            return Err(Unusable::Expired);
        };
        let payload = self.decompress(&header, payload)?;
        let value = codec::decode_value(&*self.codec, &payload).map_err(|_| Flaw::Payload)?;
        Ok(Unpacked { value, left, cost: header.cost })
    }

    /// Compresses a payload where that is worth it.
    fn compress(&self, payload: Vec<u8>) -> (bool, Vec<u8>) {
        let is_large = payload.len() > self.compress_over;
        let form = if is_large { wire::compress(&payload) } else { None };
        (form.is_some(), form.unwrap_or(payload))
    }

    fn decompress<'a>(&self, header: &Header, stored: &'a [u8]) -> Result<Cow<'a, [u8]>, Flaw> {
        if header.compressed {
            return wire::decompress(stored, self.max_value_bytes).map(Cow::Owned);
        }
        Ok(Cow::Borrowed(stored))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.wall().as_millis()).unwrap_or(u64::MAX)
    }

    fn schema<V: Value>(&self, version: Option<u32>) -> Schema {
        let name = (TypeId::of::<V>(), version);
        let known = self.schemas.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.get(&name) {
            return schema.clone();
        }
        drop(known);
        let fingerprint = match version {
            Some(version) => Ok(fingerprint::versioned::<V>(version)),
            None if self.codec.self_describing() => Ok(fingerprint::versioned::<V>(0)),
            None => fingerprint::of::<V>(),
        };
        let schema = Schema { fingerprint, checked: Arc::default() };
        let mut known = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
        // That of a type as it stands is slow to find out, and there are only as many as types.
        if version.is_some() && known.len() >= MAX_SCHEMAS {
            return known.get(&name).cloned().unwrap_or(schema);
        }
        known.entry(name).or_insert(schema).clone()
    }
}

impl From<Flaw> for Unusable {
    fn from(flaw: Flaw) -> Self {
        Self::Flawed(flaw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::testing;

    const LIFETIME: Lifetime = {
        let minute = Duration::from_secs(60);
        Lifetime { fresh: minute, stale: minute, near: minute }
    };

    fn packer(settings: &Settings) -> Packer {
        let (codec, clock) = (Arc::new(codec::Bincode), Arc::new(SystemClock));
        Packer::new(codec, clock, settings)
    }

    #[test]
    fn versions_without_end_are_not_kept_and_work_all_the_same() {
        let packer = packer(&Settings::default());
        let key = testing::key("atlas", "number");
        let label = |version| Label {
            key: &key,
            schema: version,
            lifetime: LIFETIME,
            cost: Duration::ZERO,
            generations: &[],
            tags: Vec::new(),
        };

        for version in 0..5000 {
            let version = Some(version);
            let stored = packer.pack(&7_u64, label(version)).unwrap().entry;
            assert_eq!(packer.unpack::<u64>(&stored, &key, version, &[]).unwrap().value, 7);
        }
        packer.pack(&7_u64, label(None)).unwrap();

        let known = packer.schemas.read().unwrap();
        assert_eq!(known.len(), MAX_SCHEMAS + 1);
        assert!(known.contains_key(&(TypeId::of::<u64>(), None)));
    }

    #[test]
    fn what_is_compressed_in_another_way_is_a_miss_and_not_read_as_it_stands() {
        let packer = packer(&Settings::default());
        let key = testing::key("atlas", "text");
        let label = Label {
            key: &key,
            schema: None,
            lifetime: LIFETIME,
            cost: Duration::ZERO,
            generations: &[],
            tags: Vec::new(),
        };
        let text = "seven".to_owned();
        let plain = packer.pack(&text, label).unwrap().entry;
        let (header, payload) = wire::decode(&plain, 1024).unwrap();
        let compressed = Header { compressed: true, ..header };
        let stored = wire::encode(&compressed, payload).unwrap();

        let read = |stored: &[u8]| packer.unpack::<String>(stored, &key, None, &[]);

        assert_eq!(read(&plain).unwrap().value, text);
        assert_eq!(read(&stored).unwrap_err(), Unusable::Flawed(Flaw::Version));
    }
}
