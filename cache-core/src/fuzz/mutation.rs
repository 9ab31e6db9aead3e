//! A right entry that was changed afterwards.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::Source;
use super::envelope::is_sound;
use super::sample::Sample;
use crate::clock::Clock;
use crate::codec::{Bincode, Codec, encode_value, fingerprint};
use crate::engine::pack::{Packer, Unusable};
use crate::key::{Key, KeyWriter};
use crate::policy::Settings;
use crate::wire::{self, COMPRESSES, Flaw, Header, compressed};

static SETTINGS: LazyLock<Settings> = LazyLock::new(Settings::default);

/// The reader of the product.
static READER: LazyLock<Packer> =
    LazyLock::new(|| Packer::new(Arc::new(Bincode), Arc::new(Noon), &SETTINGS));

/// What a reader of samples expects.
static SCHEMA: LazyLock<u64> =
    LazyLock::new(|| fingerprint::of::<Sample>().expect("the shape of a sample can be seen"));

/// Writes an entry, changes its bytes, and reads it as the engine does.
///
/// # Panics
///
/// If the entry itself is not found, if the changed one gives another value, or if either is found under
/// another key, codec, fingerprint or generation.
pub fn mutation(data: &[u8]) {
    let mut source = Source::new(data);
    let header = header(&mut source);
    let value = Sample::take(&mut source, 3);
    let stored = write(&header, &value);
    assert_eq!(read(&stored, &header), expected(&header, &value));
    for other in others(&header) {
        assert!(read(&write(&other, &value), &header).is_err(), "{other:?} for {header:?}");
    }

    let changed = changed(&stored, &mut source);
    // What has the right sum all the same was forged, and not by accident.
    if changed != stored && !is_sound(&changed) {
        assert!(matches!(read(&changed, &header), Err(Unusable::Flawed(_))));
    }
}

fn header(source: &mut Source<'_>) -> Header {
    let milliseconds = |source: &mut Source<'_>| u32::from_le_bytes(source.array()).into();
    Header {
        codec: Bincode.id().as_u8(),
        compressed: source.byte() > 200,
        fingerprint: *SCHEMA,
        created: milliseconds(source),
        fresh: Duration::from_millis(milliseconds(source)),
        stale: Duration::from_millis(milliseconds(source)),
        cost: Duration::from_micros(source.byte().into()),
        version: u128::from_le_bytes(source.array()),
        key: key().echo(),
        groups: (0..source.below(5)).map(|id| (id as u64, milliseconds(source))).collect(),
        tags: (0..source.below(3)).map(|_| source.bytes(3).into()).collect(),
    }
}

/// Returns headers of entries that a reader of `header` does not want.
fn others(header: &Header) -> [Header; 4] {
    let header = || header.clone();
    let groups = header().groups.into_iter().chain([(9, 9)]).collect();
    [
        Header { codec: !header().codec, ..header() },
        Header { fingerprint: !header().fingerprint, ..header() },
        Header { groups, ..header() },
        Header { key: !header().key, ..header() },
    ]
}

fn write(header: &Header, value: &Sample) -> Vec<u8> {
    let payload = encode_value(&Bincode, value).expect("a sample can be encoded");
    let form = header.compressed.then(|| compressed::form(&payload)).flatten();
    wire::encode(header, &form.unwrap_or(payload)).expect("every field fits").into()
}

fn read(stored: &[u8], wanted: &Header) -> Result<Sample, Unusable> {
    READER.unpack(stored, &key(), None, &wanted.groups).map(|unpacked| unpacked.value)
}

fn expected(header: &Header, value: &Sample) -> Result<Sample, Unusable> {
    let age = Noon.wall().saturating_sub(Duration::from_millis(header.created));
    match header {
        Header { fresh, stale, .. } if age >= *fresh.max(stale) => Err(Unusable::Expired),
        Header { compressed: true, .. } if !COMPRESSES => Err(Unusable::Flawed(Flaw::Version)),
        _ => Ok(value.clone()),
    }
}

fn key() -> Key {
    Key::new(b"fuzz:", |text: &mut KeyWriter| text.name("sample"))
}

/// A clock that stands still, in the middle of the times that entries are made at.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn monotonic(&self) -> Duration {
        self.wall()
    }

    fn wall(&self) -> Duration {
        Duration::from_millis(1 << 31)
    }
}

fn changed(stored: &[u8], source: &mut Source<'_>) -> Vec<u8> {
    let mut changed = stored.to_vec();
    for _ in 0..=source.below(4) {
        let place = source.below(changed.len().max(1));
        match source.below(5) {
            0 => changed.truncate(place),
            1 => changed.extend_from_slice(source.bytes(4)),
            2 if place < changed.len() => changed[place..].rotate_left(1),
            3 => drop(changed.drain(..place.min(changed.len()))),
            _ => {
                let flip = source.byte();
                changed.get_mut(place).into_iter().for_each(|byte| *byte ^= flip);
            }
        }
    }
    changed
}
