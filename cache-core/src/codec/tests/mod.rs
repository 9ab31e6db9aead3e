//! What every codec must hold.

mod attributes;
mod hostile;

use std::collections::BTreeMap;
use std::fmt::Debug;

use erased_serde::Serialize as ErasedSerialize;
use proptest::prelude::{any, prop};
use proptest::{prop_assert_eq, proptest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{
    Bincode, Codec, CodecId, Visit, check_round_trip, decode_value, encode_value, measure,
};
use crate::{Error, ErrorKind, Result};

/// A codec as a user would write it.
#[derive(Debug)]
struct Own;

impl Codec for Own {
    fn id(&self) -> CodecId {
        CodecId::custom(1)
    }

    fn self_describing(&self) -> bool {
        true
    }

    fn encode(&self, value: &dyn ErasedSerialize, out: &mut Vec<u8>) -> Result<()> {
        serde_json::to_writer(out, value)
            .map_err(|cause| Error::new(ErrorKind::Unsupported, "no JSON").with_source(cause))
    }

    fn decode(&self, bytes: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let corrupt = |_| Error::new(ErrorKind::Corrupt, "not the JSON of this value");
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        visit(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut reader)).map_err(corrupt)?;
        reader.end().map_err(|cause| Error::new(ErrorKind::Corrupt, "not JSON").with_source(cause))
    }
}

/// Bincode as another codec would do it, through type erasure.
#[derive(Debug)]
struct Slow;

impl Codec for Slow {
    fn id(&self) -> CodecId {
        CodecId::custom(2)
    }

    fn self_describing(&self) -> bool {
        false
    }

    fn encode(&self, value: &dyn ErasedSerialize, out: &mut Vec<u8>) -> Result<()> {
        Bincode.encode(value, out)
    }

    fn decode(&self, bytes: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        Bincode.decode(bytes, visit)
    }
}

const CODECS: [&dyn Codec; if cfg!(feature = "json") { 4 } else { 3 }] = [
    &Bincode,
    &Own,
    &Slow,
    #[cfg(feature = "json")]
    &super::Json,
];

/// Those that describe themselves.
const NAMING: [&dyn Codec; if cfg!(feature = "json") { 2 } else { 1 }] = [
    &Own,
    #[cfg(feature = "json")]
    &super::Json,
];

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Page {
    user: u64,
    items: Vec<Item>,
    by_name: BTreeMap<String, Option<Item>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Item {
    Empty,
    Text(String),
    Pair(i8, char),
    Point { x: f64, next: Option<Box<Item>> },
}

fn page() -> Page {
    let point = Item::Point { x: 0.5, next: Some(Box::new(Item::Pair(-1, 'é'))) };
    let items = vec![Item::Empty, Item::Text("hello".into()), point.clone()];
    let by_name = [("a".into(), None), ("b".into(), Some(point))].into();
    Page { user: 42, items, by_name }
}

#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

#[track_caller]
fn assert_corrupt<T: Debug + DeserializeOwned>(codec: &dyn Codec, bytes: &[u8]) {
    assert_eq!(decode_value::<T>(codec, bytes).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[track_caller]
fn assert_says(error: &Error, parts: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for part in parts {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn what_was_encoded_is_decoded() {
    for codec in CODECS {
        let bytes = encode_value(codec, &page()).unwrap();

        assert_eq!(decode_value::<Page>(codec, &bytes).unwrap(), page());
        assert!(check_round_trip::<Page>(codec, &bytes).is_ok());
    }
}

#[test]
fn the_erased_way_writes_the_same_bytes() {
    assert_eq!(encode_value(&Slow, &page()).unwrap(), encode_value(&Bincode, &page()).unwrap());
}

#[test]
fn encoded_bytes_do_not_change_by_accident() {
    let bytes = encode_value(&Bincode, &(300_u32, -1_i64, "é", Some(true), [0.5_f32])).unwrap();

    assert_eq!(bytes, [251, 44, 1, 1, 2, 195, 169, 1, 1, 0, 0, 0, 63]);
}

#[test]
fn bytes_left_over_are_refused() {
    for codec in CODECS {
        let bytes = [encode_value(codec, &page()).unwrap(), b"1".to_vec()].concat();

        assert_corrupt::<Page>(codec, &bytes);
    }
}

#[test]
fn every_truncation_is_refused() {
    for codec in CODECS {
        let bytes = encode_value(codec, &page()).unwrap();
        for len in 0..bytes.len() {
            assert_corrupt::<Page>(codec, &bytes[..len]);
        }
    }
}

#[test]
fn weight_grows_with_what_a_value_holds() {
    let weight = |text: &str| measure(text).unwrap().weight;

    assert_eq!(weight("hello") + 1000, weight(&"x".repeat(1005)));
    assert!(measure(&vec![0_u64; 100]).unwrap().weight >= 800);
    assert!(measure(&page()).unwrap().weight < 1000);
    assert_eq!(measure(&page()).unwrap(), measure(&&page()).unwrap());
}

#[test]
fn a_value_that_refuses_itself_is_named() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("secret"))
        }
    }

    let error = measure(&[Broken]).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("Broken") && !format!("{error:?}").contains("secret"));
}

#[test]
fn custom_ids_do_not_meet_ours() {
    assert_eq!(CodecId::custom(5).as_u8(), 133);
    assert_eq!(CodecId::custom(133), CodecId::custom(5));
    assert!(Bincode.id().as_u8() < 128);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for codec in CODECS {
            if let Ok(page) = decode_value::<Page>(codec, &bytes) {
                // Compared as bytes, because a float may not equal itself.
                let again = encode_value(codec, &page).unwrap();
                let page = decode_value::<Page>(codec, &again).unwrap();
                prop_assert_eq!(encode_value(codec, &page).unwrap(), again);
            }
        }
    }
}
