//! What is compressed comes back, and no bytes that claim to be are believed.

use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;

const LIMIT: usize = 1 << 16;

/// A compressed form that claims a length.
fn claiming(len: u32, block: &[u8]) -> Vec<u8> {
    [&[LZ4][..], &len.to_le_bytes(), block].concat()
}

/// A payload with something to find in it.
fn text() -> Vec<u8> {
    b"a payload that is long, and repeats itself: a payload that is long, ".repeat(9)
}

#[test]
fn what_does_not_become_smaller_is_not_compressed() {
    let noise: Vec<u8> = (0..=255).collect();

    assert_eq!(compress(b""), None);
    assert_eq!(compress(&noise), None);
    assert!(compress(&text()).unwrap().len() < 100);
}

#[test]
fn the_most_that_a_block_can_stand_for_comes_back() {
    let zeros = vec![0; 16 << 20];

    let stored = compress(&zeros).unwrap();

    assert!(stored.len() < zeros.len() / 250);
    assert!(decompress(&stored, zeros.len()).unwrap() == zeros);
}

#[test]
fn the_limit_is_that_of_the_payload_and_not_of_its_form() {
    let stored = compress(&text()).unwrap();

    assert_eq!(decompress(&stored, text().len()), Ok(text()));
    assert_eq!(decompress(&stored, text().len() - 1), Err(Flaw::TooLarge));
}

#[test]
fn a_claimed_length_over_the_limit_or_beyond_the_block_is_refused_before_it_is_allocated() {
    let block = &compress(&text()).unwrap()[PREFIX_LEN..];

    assert_eq!(claim(&claiming(u32::MAX, block), LIMIT), Err(Flaw::TooLarge));
    // Two gigabytes, which no block of this length stands for.
    assert_eq!(claim(&claiming(1 << 31, block), usize::MAX), Err(Flaw::Payload));
    assert_eq!(claim(&claiming(1, &[]), usize::MAX), Err(Flaw::Payload));
}

#[test]
fn another_length_than_the_claimed_one_is_refused() {
    let block = &compress(&text()).unwrap()[PREFIX_LEN..];
    let len = text().len() as u32;

    assert_eq!(decompress(&claiming(len, block), LIMIT), Ok(text()));
    for claimed in (0..len).chain(len + 1..2 * len) {
        assert_eq!(decompress(&claiming(claimed, block), LIMIT), Err(Flaw::Payload), "{claimed}");
    }
}

#[test]
fn another_algorithm_is_one_of_another_version() {
    let mut stored = compress(&text()).unwrap();
    for algorithm in (0..=255).filter(|algorithm| *algorithm != LZ4) {
        stored[0] = algorithm;
        assert_eq!(decompress(&stored, LIMIT), Err(Flaw::Version));
    }
}

#[test]
fn every_truncation_is_refused() {
    let stored = compress(&text()).unwrap();
    for len in 0..stored.len() {
        assert_eq!(decompress(&stored[..len], LIMIT), Err(Flaw::Payload), "{len} bytes");
    }
}

/// Below the checksum, which notices each of them: what is left is that nothing breaks.
#[test]
fn no_flipped_bit_makes_more_than_the_limit() {
    let stored = compress(&text()).unwrap();
    for bit in 0..stored.len() * 8 {
        let mut flipped = stored.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let len = decompress(&flipped, 1000).map_or(0, |payload| payload.len());
        assert!(len <= 1000, "bit {bit}");
    }
}

proptest! {
    #[test]
    fn every_payload_comes_back(payload in payloads()) {
        let stored = form(&payload).unwrap();
        prop_assert_eq!(decompress(&stored, payload.len()), Ok(payload));
    }

    #[test]
    fn no_compressed_form_is_believed_nor_makes_more_than_it_may(
        len in prop_oneof![any::<u32>(), 0..2000_u32],
        block in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(payload) = decompress(&claiming(len, &block), 1000) {
            prop_assert_eq!(payload.len(), len as usize);
            prop_assert!(len <= 1000);
        }
    }
}

/// Noise, and rows of few different bytes.
fn payloads() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..2000);
    let rows = prop::collection::vec((any::<u8>(), 0..400_usize), 0..20);
    let rows = rows
        .prop_map(|rows| rows.into_iter().flat_map(|(byte, count)| vec![byte; count]).collect());
    prop_oneof![noise, rows]
}
