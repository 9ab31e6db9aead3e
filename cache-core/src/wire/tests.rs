//! What the format promises: nothing is misread, and nothing changes by accident.

use std::time::Duration;
use std::{fs, iter};

use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert_eq, proptest};

use super::{Flaw, Header, Mark, Stamp, decode, encode};
use crate::ErrorKind;

const LIMIT: usize = 1 << 20;

/// The golden vectors: envelopes that this version and every later one must read.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/wire-v1.hex");

fn full() -> Header {
    Header {
        codec: 1,
        compressed: true,
        fingerprint: 0x0123_4567_89AB_CDEF,
        created: 1_767_225_600_123,
        fresh: Duration::from_secs(300),
        stale: Duration::from_secs(3600),
        cost: Duration::from_micros(12_345),
        version: 0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF,
        key: 0xFEDC_BA98_7654_3210,
        groups: vec![(1, 0xA1), (2, 0xA2), (u64::MAX, u64::MAX - 1)],
        tags: Vec::new(),
    }
}

fn tagged() -> Header {
    Header { tags: vec![Box::from(*b"search"), Box::from(*b"")], ..full() }
}

fn widest() -> Header {
    Header {
        codec: u8::MAX,
        created: (1 << 48) - 1,
        fresh: Duration::from_millis((1 << 40) - 1),
        stale: Duration::from_millis((1 << 40) - 1),
        cost: Duration::from_micros((1 << 24) - 1),
        version: u128::MAX,
        groups: (0..255).map(|id| (id, id + 1)).collect(),
        ..full()
    }
}

/// "abcabc…", 24 letters, as an LZ4 block: three literals, 16 more from three back, five literals.
const LZ4: &[u8] = b"\x01\x18\0\0\0\x3Cabc\x03\0\x50bcabc";

/// The samples behind the golden vectors.
fn samples() -> [(&'static str, Header, &'static [u8]); 6] {
    let bare = Header { compressed: false, groups: Vec::new(), ..full() };
    [
        ("empty", Header::default(), b""),
        ("bare", bare, b"hello"),
        ("full", full(), b"a payload that is a little longer than the others"),
        ("widest", widest(), b"\x00\xFF"),
        ("tagged", tagged(), b"a payload behind two tags"),
        ("lz4", Header { groups: Vec::new(), ..full() }, LZ4),
    ]
}

fn golden_text() -> String {
    let lines = samples().map(|(name, header, payload)| {
        let bytes = encode(&header, payload).unwrap();
        format!("{name} {}\n", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    });
    let lease = Stamp::lease_bytes(full().version);
    let lease = lease.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    lines.into_iter().chain(iter::once(format!("lease {lease}\n"))).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Gives a changed entry the checksum that makes it right again.
fn sum_up(stored: &mut [u8]) {
    let sum = super::checksum(&stored[..60], &stored[64..]);
    stored[60..64].copy_from_slice(&sum);
}

#[test]
fn what_is_written_does_not_change() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(GOLDEN, golden_text()).unwrap();
    }

    let golden = fs::read_to_string(GOLDEN).unwrap();

    assert_eq!(golden_text(), golden, "a new format needs a new wire version and a new file");
}

#[test]
fn what_was_written_stays_readable() {
    let golden = fs::read_to_string(GOLDEN).unwrap();
    for ((name, header, payload), line) in samples().into_iter().zip(golden.lines()) {
        let stored = unhex(line.strip_prefix(name).unwrap().trim());

        assert_eq!(decode(&stored, LIMIT), Ok((header, payload)), "{name}");
    }
}

#[cfg(feature = "lz4")]
#[test]
fn what_was_compressed_stays_readable() {
    let golden = fs::read_to_string(GOLDEN).unwrap();
    let line = golden.lines().find_map(|line| line.strip_prefix("lz4 ")).unwrap();
    let stored = unhex(line);

    let (header, payload) = decode(&stored, LIMIT).unwrap();

    assert!(header.compressed);
    assert_eq!(super::decompress(payload, LIMIT), Ok(b"abc".repeat(8)));
}

#[test]
fn an_envelope_without_groups_adds_64_bytes() {
    assert_eq!(encode(&Header::default(), b"").unwrap().len(), 64);
    assert_eq!(encode(&full(), b"12").unwrap().len(), 64 + 3 * 16 + 2);
}

#[test]
fn an_envelope_begins_with_its_stamp() {
    let stored = encode(&full(), b"hello").unwrap();

    assert_eq!(Stamp::of(&stored), full().stamp());
    assert_eq!(Mark::of(&stored), Mark::Entry);
}

#[test]
fn every_flipped_bit_is_noticed() {
    for (name, header, payload) in samples() {
        let stored = encode(&header, payload).unwrap();
        for bit in 0..stored.len() * 8 {
            let mut flipped = stored.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);

            assert!(decode(&flipped, LIMIT).is_err(), "bit {bit} of {name}");
        }
    }
}

#[test]
fn every_truncation_is_noticed() {
    for (name, header, payload) in samples() {
        let stored = encode(&header, payload).unwrap();
        for len in 0..stored.len() {
            let flaw = decode(&stored[..len], LIMIT).unwrap_err();

            let expected = if len == 0 { Flaw::Foreign } else { Flaw::Truncated };
            assert_eq!(flaw, expected, "{len} bytes of {name}");
        }
    }
}

#[test]
fn trailing_bytes_are_noticed() {
    let mut stored = [&encode(&full(), b"hello").unwrap()[..], b"!"].concat();
    sum_up(&mut stored);

    assert_eq!(decode(&stored, LIMIT), Err(Flaw::Checksum));
}

#[test]
fn a_payload_over_the_limit_is_refused() {
    let stored = encode(&full(), b"hello").unwrap();

    assert!(decode(&stored, 5).is_ok());
    assert_eq!(decode(&stored, 4), Err(Flaw::TooLarge));
}

#[test]
fn a_claimed_length_is_not_believed() {
    let mut stored = encode(&Header::default(), b"").unwrap().to_vec();
    stored[56..60].copy_from_slice(&u32::MAX.to_le_bytes());

    assert_eq!(decode(&stored, usize::MAX), Err(Flaw::Truncated));
}

#[test]
fn a_newer_wire_version_is_a_miss() {
    let mut stored = encode(&full(), b"hello").unwrap().to_vec();
    stored[1] = 2;

    assert_eq!(Mark::of(&stored), Mark::Entry);
    assert_eq!(decode(&stored, LIMIT), Err(Flaw::Version));
}

#[test]
fn an_unknown_flag_is_a_miss() {
    let mut stored = encode(&Header::default(), b"").unwrap().to_vec();
    stored[19] = 4;
    sum_up(&mut stored);

    assert_eq!(decode(&stored, LIMIT), Err(Flaw::Version));
}

#[test]
fn leases_and_foreign_values_are_not_entries() {
    assert_eq!(decode(&Stamp::lease_bytes(7), LIMIT), Err(Flaw::Foreign));
    assert_eq!(decode(b"hello", LIMIT), Err(Flaw::Foreign));
    assert_eq!(decode(&[0xFF; 200], LIMIT), Err(Flaw::Foreign));
}

#[test]
fn an_entry_of_another_key_codec_or_schema_is_told_apart() {
    let Header { key, codec, fingerprint, .. } = full();

    assert_eq!(full().check(key, codec, fingerprint), Ok(()));
    assert_eq!(full().check(key ^ 1, codec, fingerprint), Err(Flaw::Key));
    assert_eq!(full().check(key, codec + 1, fingerprint), Err(Flaw::Codec));
    assert_eq!(full().check(key, codec, fingerprint + 1), Err(Flaw::Schema));
}

#[test]
fn a_cost_that_does_not_fit_is_cut() {
    let header = Header { cost: Duration::from_secs(60), ..Header::default() };
    let stored = encode(&header, b"").unwrap();

    let (decoded, _) = decode(&stored, LIMIT).unwrap();

    assert_eq!(decoded.cost, Duration::from_micros((1 << 24) - 1));
}

#[test]
fn a_field_that_does_not_fit_is_an_error() {
    let refused = [
        Header { created: 1 << 48, ..Header::default() },
        Header { fresh: Duration::from_millis(1 << 40), ..Header::default() },
        Header { stale: Duration::MAX, ..Header::default() },
        Header { groups: vec![(0, 0); 256], ..Header::default() },
        Header { tags: vec![Box::from([0; 256])], ..Header::default() },
        Header { tags: vec![Box::default(); 256], ..Header::default() },
    ];
    for header in refused {
        assert_eq!(encode(&header, b"").unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

fn headers() -> impl Strategy<Value = Header> {
    let short = || (0..1u64 << 40).prop_map(Duration::from_millis);
    let cost = (0..1u64 << 24).prop_map(Duration::from_micros);
    let groups = prop::collection::vec(any::<(u64, u64)>(), 0..9);
    let hashes = any::<(u8, bool, u64, u128, u64)>();
    let tag = prop::collection::vec(any::<u8>(), 0..30).prop_map(Vec::into_boxed_slice);
    let groups = (groups, prop::collection::vec(tag, 0..4));
    (hashes, 0..1u64 << 48, short(), short(), cost, groups).prop_map(
        |(hashes, created, fresh, stale, cost, (groups, tags))| {
            let (codec, compressed, fingerprint, version, key) = hashes;
            let times = Header { created, fresh, stale, cost, ..Header::default() };
            Header { codec, compressed, fingerprint, version, key, groups, tags, ..times }
        },
    )
}

proptest! {
    #[test]
    fn every_header_and_payload_comes_back(
        header in headers(),
        payload in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let stored = encode(&header, &payload).unwrap();

        let names: Vec<&[u8]> = header.tags.iter().map(|tag| &tag[..]).collect();
        prop_assert_eq!(super::tag_names(&stored), names);
        prop_assert_eq!(decode(&stored, LIMIT), Ok((header, &payload[..])));
    }

    #[test]
    fn tags_are_not_believed(rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut stored = encode(&Header::default(), &rest).unwrap().to_vec();
        stored[19] = super::FLAG_TAGS;
        sum_up(&mut stored);

        let names = super::tag_names(&stored).len();
        let decoded = decode(&stored, LIMIT).map(|(header, _)| header.tags.len());
        prop_assert_eq!(decoded.unwrap_or(0), names);
    }

    #[test]
    fn arbitrary_bytes_are_never_an_entry(mut stored in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(decode(&stored, usize::MAX).is_err(), true);
        stored.splice(..stored.len().min(2), [0xCA, 1]);
        prop_assert_eq!(decode(&stored, usize::MAX).is_err(), true);
    }
}
