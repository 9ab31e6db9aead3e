//! What every codec must hold, with the attributes that break positional ones.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use erased_serde::Serialize as ErasedSerialize;
use proptest::prelude::{any, prop};
use proptest::{prop_assert_eq, proptest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{
    Bincode, Codec, CodecId, MAX_DEPTH, MAX_PAYLOAD, Visit, check_round_trip, decode_value,
    encode_value, fingerprint, measure,
};
use crate::{Error, ErrorKind, Result};

/// A codec as a user would write it.
#[derive(Debug)]
struct Json;

impl Codec for Json {
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

const CODECS: [&dyn Codec; 3] = [&Bincode, &Json, &Slow];

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

/// The link of a list, of which each takes two levels: itself and `Some`.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct Link(Option<Box<(Link, u8)>>);

fn list(links: usize) -> Link {
    (0..links).fold(Link::default(), |tail, _| Link(Some(Box::new((tail, 1)))))
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

#[test]
fn elements_without_bytes_are_counted() {
    // The length is u64::MAX, and each element takes no byte.
    let endless = [253, 255, 255, 255, 255, 255, 255, 255, 255];

    assert_corrupt::<Vec<()>>(&Bincode, &endless);
    assert_corrupt::<HashMap<(), ()>>(&Bincode, &endless);
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

    let mut out = Vec::new();
    let error = Bincode.encode(&chain, &mut out).unwrap_err();

    assert!(format!("{error:?}").len() < 200, "{error:?}");
    assert!(encode_value(&Slow, &chain).is_err());
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

#[test]
fn a_value_over_the_limit_is_refused() {
    let error = encode_value(&Bincode, &vec![0_u8; MAX_PAYLOAD + 1]).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn the_longest_payload_is_decoded() {
    let value = vec![0_u128; MAX_PAYLOAD - 5];
    let bytes = encode_value(&Bincode, &value).unwrap();

    assert_eq!(bytes.len(), MAX_PAYLOAD);
    assert!(decode_value::<Vec<u128>>(&Bincode, &bytes).unwrap() == value);
    assert_corrupt::<Vec<u128>>(&Bincode, &[&bytes[..], &[0]].concat());
}

#[test]
fn an_error_does_not_show_the_value() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Picky;
    impl TryFrom<String> for Picky {
        type Error = String;
        fn try_from(text: String) -> std::result::Result<Self, String> {
            Err(text)
        }
    }

    for codec in CODECS {
        let bytes = encode_value(codec, "secret").unwrap();
        let error = decode_value::<Picky>(codec, &bytes).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
}

#[test]
fn a_skipped_field_is_refused_by_positional_codecs_only() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Sparse {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        a: Option<()>,
        b: Vec<u8>,
    }
    let (sparse, full) = (Sparse { a: None, b: vec![7] }, Sparse { a: Some(()), b: vec![7] });

    let error = encode_value(&Bincode, &vec![Some(&sparse)]).unwrap_err();

    assert_says(&error, &["Sparse", "skip_serializing_if", "JSON"]);
    assert!(encode_value(&Bincode, &full).is_ok());
    let bytes = encode_value(&Json, &sparse).unwrap();
    assert_eq!(decode_value::<Sparse>(&Json, &bytes).unwrap(), sparse);
}

#[test]
fn a_field_that_is_never_written_is_found_by_the_check() {
    #[derive(Deserialize, Serialize)]
    struct Lossy {
        #[serde(skip_serializing)]
        a: u8,
        b: Vec<u8>,
    }
    // Decodes without an error: `a` is the length of `b`, and `b` is one byte long.
    let bytes = encode_value(&Bincode, &Lossy { a: 9, b: vec![1, 2] }).unwrap();

    let decoded: Lossy = decode_value(&Bincode, &bytes).unwrap();
    let error = check_round_trip::<Lossy>(&Bincode, &bytes).unwrap_err();

    assert_eq!((decoded.a, decoded.b), (2, vec![2]));
    assert_says(&error, &["Lossy", "does not read the fields it writes"]);
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Text(String),
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind")]
enum Tagged {
    A { x: u8 },
}

#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

#[track_caller]
fn assert_needs_names<T>(name: &str, value: &T)
where
    T: Debug + DeserializeOwned + PartialEq + Serialize,
{
    let error = encode_value(&Bincode, value)
        .and_then(|bytes| check_round_trip::<T>(&Bincode, &bytes))
        .unwrap_err();
    assert_says(&error, &[name, "codec that describes itself"]);

    let bytes = encode_value(&Json, value).unwrap();
    assert!(check_round_trip::<T>(&Json, &bytes).is_ok());
    assert_eq!(&decode_value::<T>(&Json, &bytes).unwrap(), value);
}

#[test]
fn types_that_need_names_are_refused_when_first_written() {
    let rest: BTreeMap<_, _> = [("b".to_owned(), 2)].into();

    assert_needs_names("Untagged", &Untagged::Text("hello".into()));
    assert_needs_names("Tagged", &Tagged::A { x: 1 });
    assert_needs_names("Flat", &Flat { a: 1, rest });
    assert_needs_names("Value", &serde_json::json!({"a": [1, null, "b"]}));
}

#[test]
fn swapped_fields_decode_silently_and_only_the_fingerprint_tells() {
    mod before {
        #[derive(serde::Deserialize, serde::Serialize)]
        pub(super) struct Name {
            pub(super) first: String,
            pub(super) last: String,
        }
    }
    mod after {
        #[derive(serde::Deserialize)]
        pub(super) struct Name {
            pub(super) last: String,
            pub(super) first: String,
        }
    }
    let name = before::Name { first: "Ada".into(), last: "Lovelace".into() };
    let bytes = encode_value(&Bincode, &name).unwrap();

    let swapped: after::Name = decode_value(&Bincode, &bytes).unwrap();

    assert_eq!((&*swapped.first, &*swapped.last), ("Lovelace", "Ada"));
    assert_ne!(
        fingerprint::of::<before::Name>().unwrap(),
        fingerprint::of::<after::Name>().unwrap(),
    );
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
