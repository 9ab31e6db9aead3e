//! Bytes that were made to do harm, and values at the limits.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::super::{Bincode, Codec, MAX_DEPTH, MAX_PAYLOAD, decode_value, encode_value, measure};
use super::{CODECS, Flat, Item, Slow, assert_corrupt, assert_says};
use crate::ErrorKind;

/// The link of a list, of which each takes three levels: itself, `Some` and the pair.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct Link(Option<Box<(Link, u8)>>);

fn list(links: usize) -> Link {
    (0..links).fold(Link::default(), |tail, _| Link(Some(Box::new((tail, 1)))))
}

#[test]
fn nine_bytes_that_claim_a_huge_length_are_refused() {
    let mut hostile = [0xFF; 9];
    for marker in [251, 252, 253, 254, 255] {
        hostile[0] = marker;
        for codec in [&Bincode as &dyn Codec, &Slow] {
            assert_corrupt::<Vec<u8>>(codec, &hostile);
            assert_corrupt::<Vec<u64>>(codec, &hostile);
            assert_corrupt::<String>(codec, &hostile);
            assert_corrupt::<HashMap<String, u64>>(codec, &hostile);
            assert_corrupt::<HashSet<[u64; 32]>>(codec, &hostile);
        }
    }
}

/// A list that allocates at once for as many elements as it is told to expect.
#[derive(Debug)]
struct Eager;

impl<'de> Deserialize<'de> for Eager {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EagerVisitor)
    }
}

struct EagerVisitor;

impl<'de> Visitor<'de> for EagerVisitor {
    type Value = Eager;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Eager, A::Error> {
        let mut bytes: Vec<u8> = Vec::with_capacity(seq.size_hint().unwrap_or_default());
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(Eager)
    }
}

#[test]
fn a_claimed_length_makes_nobody_expect_more_than_there_is() {
    let endless = [253, 255, 255, 255, 255, 255, 255, 255, 255];

    for codec in [&Bincode as &dyn Codec, &Slow] {
        assert_corrupt::<Eager>(codec, &endless);
    }
}

#[test]
fn elements_without_bytes_are_counted() {
    // The length is u64::MAX, and each element takes no byte.
    let endless = [253, 255, 255, 255, 255, 255, 255, 255, 255];

    assert_corrupt::<Vec<()>>(&Bincode, &endless);
}

#[test]
fn small_bytes_that_decode_to_large_elements_are_refused() {
    let none = encode_value(&Bincode, &vec![None::<[u64; 32]>; 1000]).unwrap();
    let many = encode_value(&Bincode, &vec![0_u8; 1 << 20]).unwrap();

    assert_eq!(decode_value::<Vec<Option<[u64; 32]>>>(&Bincode, &none).unwrap().len(), 1000);
    assert_corrupt::<Vec<Option<[u64; 32]>>>(&Bincode, &many);
}

#[test]
fn bytes_that_nest_without_end_are_refused() {
    for codec in [&Bincode as &dyn Codec, &Slow] {
        assert_corrupt::<Link>(codec, &vec![1; 1 << 20]);
        assert_corrupt::<Item>(codec, &[[3, 0, 0, 0, 0, 0, 0, 0, 0, 1]; 10_000].concat());
    }
}

#[test]
fn errors_stay_small_however_deep_they_are() {
    #[derive(Default, Serialize)]
    struct Chain(Option<Box<Chain>>, Option<Flat>);
    let end = Chain(None, Some(Flat::default()));
    let chain = (0..50).fold(end, |tail, _| Chain(Some(Box::new(tail)), None));

    let error = encode_value(&Slow, &chain).unwrap_err();

    assert_says(&error, &["Chain", "flatten", "`Json`"]);
    assert!(format!("{error:?}").len() < 300, "{error:?}");
}

#[test]
fn a_value_can_be_nested_as_deep_as_it_can_be_read() {
    let deepest = (1..).take_while(|links| measure(&list(*links)).unwrap().depth <= MAX_DEPTH);
    let deepest = deepest.last().unwrap();

    for codec in CODECS {
        let bytes = encode_value(codec, &list(deepest)).unwrap();
        assert_eq!(decode_value::<Link>(codec, &bytes).unwrap(), list(deepest));
        let error = encode_value(codec, &list(deepest + 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

/// Goes down without end, or nearly: without a bound it would take the test's stack.
struct Endless(AtomicUsize);

impl Serialize for Endless {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fetch_add(1, Ordering::Relaxed) == 1000 {
            return serializer.serialize_unit();
        }
        serializer.serialize_some(self)
    }
}

#[test]
fn a_walk_ends_where_a_value_is_too_deep() {
    let endless = Endless(AtomicUsize::new(0));

    let measure = measure(&endless).unwrap();

    assert_eq!((measure.depth, measure.weight), (MAX_DEPTH + 1, usize::MAX));
    assert_eq!(endless.0.into_inner(), MAX_DEPTH + 1);
}

#[test]
fn the_longest_payload_is_decoded_and_a_longer_one_refused() {
    let longest = "x".repeat(MAX_PAYLOAD - 5);
    let bytes = encode_value(&Bincode, &longest).unwrap();
    let error = encode_value(&Bincode, &(longest.clone() + "x")).unwrap_err();

    assert_eq!(bytes.len(), MAX_PAYLOAD);
    assert!(decode_value::<String>(&Bincode, &bytes).unwrap() == longest);
    assert_corrupt::<String>(&Bincode, &[&bytes[..], &[0]].concat());
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn wide_numbers_in_few_bytes_are_decoded() {
    let value = vec![0_u128; MAX_PAYLOAD / 8];
    let bytes = encode_value(&Bincode, &value).unwrap();

    assert!(bytes.len() < MAX_PAYLOAD / 7);
    assert!(decode_value::<Vec<u128>>(&Bincode, &bytes).unwrap() == value);
}

#[test]
fn an_error_does_not_show_the_value() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Picky;
    impl TryFrom<String> for Picky {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            Err(text)
        }
    }

    for codec in CODECS {
        let bytes = encode_value(codec, "secret").unwrap();
        let error = decode_value::<Picky>(codec, &bytes).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
}
