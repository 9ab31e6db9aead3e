//! What goes through JSON comes back the same, or is refused when it is written.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::Ipv4Addr;

use proptest::prelude::{any, prop};
use proptest::{prop_assert_eq, proptest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::*;
use crate::codec::{MAX_DEPTH, check_round_trip, decode_value, encode_value};

#[track_caller]
fn assert_comes_back<T: Debug + DeserializeOwned + PartialEq + Serialize>(value: &T) {
    let bytes = encode_value(&Json, value).unwrap();
    check_round_trip::<T>(&Json, &bytes).unwrap();
    assert_eq!(&decode_value::<T>(&Json, &bytes).unwrap(), value);
}

#[track_caller]
fn assert_refused<T: Serialize>(value: &T, reason: &str) {
    let error = encode_value(&Json, value).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(format!("{error:?}").contains(reason), "{error:?}\nlacks {reason}");
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Unit;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct New<T>(T);

#[derive(Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
enum Name {
    First,
    Last,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Part<T> {
    Empty,
    New(T),
    Pair(T, T),
    Fields { a: T },
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Untagged {
    Nothing,
    Number(u8),
}

#[test]
fn the_payload_is_plain_json() {
    let value = (New("é"), [Part::Empty, Part::Fields { a: Some(1.5) }], Unit);

    let bytes = encode_value(&Json, &value).unwrap();

    assert_eq!(String::from_utf8(bytes).unwrap(), r#"["é",["Empty",{"Fields":{"a":1.5}}],null]"#);
    assert_eq!(Json.id().as_u8(), 2);
}

#[test]
fn every_kind_of_value_comes_back() {
    assert_comes_back(&(u128::MAX, i128::MIN, u64::MAX, i64::MIN));
    assert_comes_back(&(f64::MIN_POSITIVE, f64::MAX, f32::MIN_POSITIVE, f32::MAX, -0.0));
    assert_comes_back(&('\0', "\u{7F}\\\"\n".to_owned(), (), Unit, true));
    assert_comes_back(&[Part::Empty, Part::New(1), Part::Pair(2, 3), Part::Fields { a: 4 }]);
    assert_comes_back(&[None, Some(None), Some(Some(1))].map(|number| number.flatten()));
    assert_comes_back(&vec![Some(vec![Unit]), Some(vec![]), None]);
    assert_comes_back(&Ipv4Addr::LOCALHOST);
    assert_comes_back(&vec![Some(Some(1))]);
}

#[test]
fn keys_of_maps_that_are_no_texts_come_back() {
    assert_comes_back(&BTreeMap::from([(i64::MIN, 'a'), (0, 'b')]));
    assert_comes_back(&BTreeMap::from([(u128::MAX, 'a')]));
    assert_comes_back(&BTreeMap::from([('a', true)]));
    assert_comes_back(&BTreeMap::from([(true, 1)]));
    assert_comes_back(&HashMap::from([(Name::First, 1), (Name::Last, 2)]));
    assert_refused(&BTreeMap::from([((1, 2), 3)]), "keys that are no text");
    assert_refused(&BTreeMap::from([(None::<u8>, 3)]), "keys that are no text");
}

/// `serde_json` writes `null` for all of these.
#[test]
fn what_would_come_back_as_something_else_is_refused() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_refused(&number, "a number that is not finite");
        assert_refused(&(number as f32), "a number that is not finite");
        assert_refused(&BTreeMap::from([("a", vec![Part::New(number)])]), "not finite");
        assert_refused(&Some(New(number)), "not finite");
    }
    assert_refused(&Some(None::<u8>), "`Some` of nothing");
    assert_refused(&vec![Some(Some(None::<u8>))], "`Some` of nothing");
    assert_refused(&Part::Fields { a: Some(()) }, "`Some` of nothing");
    assert_refused(&Some(Unit), "`Some` of nothing");
    assert_refused(&Some(New(New(None::<u8>))), "`Some` of nothing");
    assert_refused(&Some(Untagged::Nothing), "`Some` of nothing");
    assert_refused(&Some(Value::Null), "`Some` of nothing");
    assert_comes_back(&vec![Untagged::Nothing, Untagged::Number(1)]);
    assert_comes_back(&vec![Value::Null]);
}

#[test]
fn a_value_is_nested_as_deep_as_it_can_be_read() {
    let deep =
        |levels| (1..levels).fold(Value::Array(vec![]), |inner, _| Value::Array(vec![inner]));

    assert_comes_back(&deep(MAX_NESTING));
    assert_refused(&deep(MAX_DEPTH), "nested more than 127");
}

#[test]
fn bytes_that_nest_without_end_are_refused() {
    for text in ["[", "{\"a\":", "[{\"a\":"] {
        let bytes = text.repeat(100_000);
        assert!(decode_value::<Value>(&Json, bytes.as_bytes()).is_err());
        assert!(decode_value::<Ignored>(&Json, bytes.as_bytes()).is_err());
    }
}

/// Skips what it does not know.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ignored {
    _known: u8,
}

#[test]
fn small_bytes_that_decode_to_large_elements_are_refused() {
    let nulls = |count| format!("[null{}]", ",null".repeat(count)).into_bytes();

    assert!(decode_value::<Vec<Option<[u64; 32]>>>(&Json, &nulls(1000)).is_ok());
    assert!(decode_value::<Vec<Option<[u64; 32]>>>(&Json, &nulls(1 << 20)).is_err());
}

#[test]
fn a_type_that_cannot_read_itself_is_not_told_to_choose_json() {
    #[derive(Deserialize, Serialize)]
    struct Narrow {
        #[serde(rename(serialize = "b"))]
        a: u8,
    }
    let bytes = encode_value(&Json, &Narrow { a: 1 }).unwrap();

    let error = check_round_trip::<Narrow>(&Json, &bytes).unwrap_err();

    assert!(error.to_string().contains("its `Deserialize` must accept"), "{error}");
}

proptest! {
    #[test]
    fn every_number_and_text_comes_back(
        wide in any::<(u128, i128, u64, i64)>(),
        floats in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        small in prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL,
        texts in prop::collection::vec(any::<(String, char)>(), 0..5),
    ) {
        let value = (wide, floats, small, texts);
        let bytes = encode_value(&Json, &value).unwrap();
        prop_assert_eq!(decode_value(&Json, &bytes).ok(), Some(value));
    }
}
