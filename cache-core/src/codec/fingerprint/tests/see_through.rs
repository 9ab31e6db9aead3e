//! Which types can be seen through, and what is said about the others.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::super::of;
use crate::ErrorKind;

#[track_caller]
fn assert_opaque<T: DeserializeOwned>(name: &str) {
    let error = of::<T>().unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for part in [name, "#[cached(version = N)]", "codec that describes itself, such as `Json`"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn leaves_that_check_are_seen_through() {
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Language;
    impl TryFrom<String> for Language {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            if text == "en" { Ok(Self) } else { Err(text) }
        }
    }
    #[derive(Deserialize)]
    #[serde(try_from = "(u8, u8)")]
    struct Range;
    impl TryFrom<(u8, u8)> for Range {
        type Error = &'static str;
        fn try_from((from, to): (u8, u8)) -> Result<Self, &'static str> {
            if from < to { Ok(Self) } else { Err("empty") }
        }
    }
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Booking {
        id: uuid::Uuid,
        many: Vec<(Language, Range)>,
        rooms: NonZeroU32,
        at: chrono::DateTime<chrono::Utc>,
        day: chrono::NaiveDate,
        noon: chrono::NaiveTime,
        from: IpAddr,
        via: Option<SocketAddr>,
        wait: Duration,
        seen: SystemTime,
        sign: char,
        kind: Result<Language, Range>,
    }

    assert!(of::<Booking>().is_ok());
}

#[test]
fn a_leaf_that_accepts_nothing_is_an_error() {
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Sealed;
    impl TryFrom<String> for Sealed {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            Err(text)
        }
    }
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Outer {
        a: (String, u32, String, Vec<u8>),
        b: Option<Sealed>,
    }

    assert_opaque::<Outer>("Outer");
}

#[test]
fn what_takes_whatever_is_there_is_an_error() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "only its shape matters")]
    enum Untagged {
        A(u8),
        B(String),
    }
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    #[allow(dead_code, reason = "only its shape matters")]
    enum Tagged {
        A { x: u8 },
        B,
    }
    #[derive(Deserialize)]
    #[serde(tag = "type", content = "content")]
    #[allow(dead_code, reason = "only its shape matters")]
    enum TaggedBeside {
        A(u8),
        B,
    }
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Flat {
        a: u8,
        #[serde(flatten)]
        rest: HashMap<String, u8>,
    }
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    enum Hidden {
        A,
        B(Option<Vec<Untagged>>),
    }

    assert_opaque::<Untagged>("Untagged");
    assert_opaque::<Tagged>("Tagged");
    assert_opaque::<TaggedBeside>("TaggedBeside");
    assert_opaque::<Flat>("Flat");
    assert_opaque::<Hidden>("Hidden");
    assert_opaque::<Vec<serde_json::Value>>("Value");
}

#[test]
fn an_error_that_a_type_swallows_is_still_an_error() {
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Lenient {
        #[serde(deserialize_with = "or_null")]
        a: serde_json::Value,
        b: u8,
    }
    fn or_null<'de, D: Deserializer<'de>>(input: D) -> Result<serde_json::Value, D::Error> {
        Ok(Deserialize::deserialize(input).unwrap_or_default())
    }

    assert_opaque::<Lenient>("Lenient");
}

#[test]
fn a_type_without_values_is_an_error() {
    #[derive(Deserialize)]
    struct Endless(#[allow(dead_code, reason = "only its shape matters")] Box<Endless>);
    #[derive(Deserialize)]
    enum Never {}

    assert_opaque::<Endless>("Endless");
    assert_opaque::<Never>("Never");
}

#[test]
fn a_huge_type_is_seen_within_its_budget() {
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Wide([Narrow; 32], [[Narrow; 32]; 32], HashMap<String, (Narrow, Narrow)>);
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    enum Narrow {
        A,
        B(Box<Narrow>),
        C { x: String, y: Vec<Narrow> },
    }

    assert!(of::<Wide>().is_ok());
}

#[test]
fn a_type_that_answers_differently_each_time_does_no_harm() {
    thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
    struct Fickle;
    impl<'de> Deserialize<'de> for Fickle {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            COUNT.set(COUNT.get() + 1);
            match COUNT.get() % 3 {
                0 => String::deserialize(input).map(|_| Self),
                1 => bool::deserialize(input).map(|_| Self),
                _ => <Result<NonZeroU32, u8>>::deserialize(input).map(|_| Self),
            }
        }
    }

    let _ = of::<[Fickle; 7]>();
}
