//! The attributes of serde that break positional codecs.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::{Bincode, check_round_trip, decode_value, encode_value, fingerprint};
use super::{Flat, NAMING, assert_says};

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

    assert_says(&error, &["Sparse", "skip_serializing_if", "`Json` (feature `json`)"]);
    assert!(encode_value(&Bincode, &full).is_ok());
    for codec in NAMING {
        let bytes = encode_value(codec, &sparse).unwrap();
        assert_eq!(decode_value::<Sparse>(codec, &bytes).unwrap(), sparse);
    }
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

#[track_caller]
fn assert_needs_names<T>(name: &str, value: &T)
where
    T: Debug + DeserializeOwned + PartialEq + Serialize,
{
    let error = encode_value(&Bincode, value)
        .and_then(|bytes| check_round_trip::<T>(&Bincode, &bytes))
        .unwrap_err();
    assert_says(&error, &[name, "codec that describes itself, such as `Json` (feature `json`)"]);

    for codec in NAMING {
        let bytes = encode_value(codec, value).unwrap();
        assert!(check_round_trip::<T>(codec, &bytes).is_ok());
        assert_eq!(&decode_value::<T>(codec, &bytes).unwrap(), value);
    }
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
