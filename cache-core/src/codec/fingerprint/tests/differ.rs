//! Whatever changes the meaning of a payload changes the fingerprint.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::super::{of, versioned};

/// Returns the fingerprints of types called `T`, each in a module of its own.
macro_rules! shapes {
    ($({ $($item:item)* })*) => {
        [$({
            mod shape {
                #![allow(dead_code, unreachable_pub, unused_imports, reason = "only the shapes matter")]
                use std::collections::BTreeMap;

                use serde::Deserialize;

                $(#[derive(Deserialize)] $item)*
            }
            of::<shape::T>().unwrap()
        }),*]
    };
}

#[track_caller]
fn assert_all_differ<const N: usize>(fingerprints: [u64; N]) {
    assert_eq!(fingerprints.iter().collect::<HashSet<_>>().len(), N, "{fingerprints:x?}");
}

#[test]
fn structs_differ_by_names_order_and_types() {
    assert_all_differ(shapes! {
        { pub struct T { a: u32, b: u32 } }
        { pub struct T { b: u32, a: u32 } }
        { pub struct T { a: u32, c: u32 } }
        { pub struct T { a: u32 } }
        { pub struct T { a: u32, b: u32, c: u32 } }
        { pub struct T { a: u32, b: u64 } }
        { pub struct T { a: u32, b: i32 } }
        { pub struct T { a: u32, b: Option<u32> } }
        { pub struct T { a: u32, b: Vec<u32> } }
        { pub struct T { a: u32, b: (u32,) } }
        { pub struct T { a: u32, b: [u32; 2] } }
        { pub struct T { a: u32, b: Option<Option<u32>> } }
        { pub struct T { #[serde(rename = "A")] a: u32, b: u32 } }
        { #[serde(rename = "U")] pub struct T { a: u32, b: u32 } }
        { pub struct T(u32, u32); }
        { pub struct T(u32); }
        { pub struct T; }
    });
}

#[test]
fn a_change_deep_inside_is_seen() {
    type Deep<T> = Vec<Option<HashMap<String, (u8, Result<T, ()>)>>>;

    assert_all_differ([
        of::<Deep<u8>>().unwrap(),
        of::<Deep<i8>>().unwrap(),
        of::<Deep<Vec<u8>>>().unwrap(),
        of::<Deep<Deep<u8>>>().unwrap(),
        of::<Deep<Deep<i8>>>().unwrap(),
        of::<Vec<Option<Vec<(String, (u8, Result<u8, ()>))>>>>().unwrap(),
    ]);
}

#[test]
fn newtypes_and_transparent_types_differ_as_their_payloads_are_named() {
    assert_all_differ(shapes! {
        { pub struct T { a: U } pub struct U(u64); }
        { pub struct T { a: U } #[serde(rename = "W")] pub struct U(u64); }
        { pub struct T { a: U } #[serde(transparent)] pub struct U(u64); }
    });
}

#[test]
fn enums_differ_by_names_order_and_payload_of_every_variant() {
    assert_all_differ(shapes! {
        { pub enum T { A, B(u8), C { x: u8, y: u8 }, D(u8, u8) } }
        { pub enum T { B(u8), A, C { x: u8, y: u8 }, D(u8, u8) } }
        { pub enum T { A, B(u8), C { x: u8, y: u8 }, E(u8, u8) } }
        { pub enum T { A, B(u8), C { x: u8, y: u8 } } }
        { pub enum T { A(u8), B(u8), C { x: u8, y: u8 }, D(u8, u8) } }
        { pub enum T { A, B(u16), C { x: u8, y: u8 }, D(u8, u8) } }
        { pub enum T { A, B(Option<u8>), C { x: u8, y: u8 }, D(u8, u8) } }
        { pub enum T { A, B(u8), C { y: u8, x: u8 }, D(u8, u8) } }
        { pub enum T { A, B(u8), C { x: u8, y: u16 }, D(u8, u8) } }
        { pub enum T { A, B(u8), C { x: u8, y: u8 }, D(u8, u16) } }
        { pub enum T { A, B(u8), C { x: u8, y: u8 }, D(u8, u8, u8) } }
        { pub enum T { A, B(u8), C { x: u8, y: u8 }, D((u8, u8)) } }
    });
}

#[test]
fn the_last_variant_of_an_enum_in_an_enum_in_a_struct_is_seen() {
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Outer<A, B, C>(u8, Middle<A, B>, C);
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    enum Middle<A, B> {
        X,
        Y(Inner<A>),
        Z(Inner<B>),
    }
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    enum Inner<T> {
        P,
        Q([T; 2]),
    }

    assert_all_differ([
        of::<Outer<u8, u8, u8>>().unwrap(),
        of::<Outer<u16, u8, u8>>().unwrap(),
        of::<Outer<u8, u16, u8>>().unwrap(),
        of::<Outer<u8, u8, u16>>().unwrap(),
        of::<Outer<u8, u8, Inner<u8>>>().unwrap(),
        of::<Outer<u8, u8, Inner<u16>>>().unwrap(),
    ]);
}

#[test]
fn an_alias_is_not_a_variant() {
    assert_all_differ(shapes! {
        { pub enum T { A(u8), #[serde(alias = "b", alias = "bee")] B(u8) } }
        { pub enum T { A(u8), #[serde(alias = "b", alias = "bee")] B(u16) } }
    });
}

#[test]
fn recursive_types_come_to_an_end() {
    assert_all_differ(shapes! {
        { pub struct T { next: Option<Box<T>>, x: u8 } }
        { pub struct T { next: Option<Box<T>>, x: u16 } }
        { pub struct T { next: Vec<T>, x: u8 } }
        { pub struct T { next: BTreeMap<String, T>, x: u8 } }
        { pub struct T(Vec<T>); }
        { #[serde(transparent)] pub struct T(Vec<T>); }
        { #[serde(transparent)] pub struct T { next: Option<Box<T>> } }
        { pub enum T { Neg(Box<T>), Add(Box<T>, Box<T>), Num(u8) } }
        { pub enum T { Neg(Box<T>), Add(Box<T>, Box<T>), Num(u16) } }
        { pub enum T { Neg(Box<T>), Add(Box<T>, Vec<T>), Num(u8) } }
        { pub enum T { A(Box<T>), B(Vec<T>) } }
        { pub enum T { A(Option<Box<T>>) } }
        {
            pub enum T { A(Box<T>, U), B(U, Box<T>), C(U), D(u8) }
            pub enum U { E(Box<T>), F(Box<U>), G(Vec<T>) }
        }
        {
            pub enum T { A(Box<T>, U), B(U, Box<T>), C(U), D(u8) }
            pub enum U { E(Box<T>), F(Box<U>), G(Vec<U>) }
        }
        {
            pub struct T { u: Option<Box<U>> }
            pub struct U { t: Vec<T>, v: V }
            pub struct V { t: Box<Option<T>>, x: u8 }
        }
        {
            pub struct T { u: Option<Box<U>> }
            pub struct U { t: Vec<T>, v: V }
            pub struct V { t: Box<Option<T>>, x: u16 }
        }
    });
}

#[test]
fn one_type_in_two_places_is_not_two_types_of_one_name() {
    mod other {
        #[derive(serde::Deserialize)]
        #[allow(dead_code, reason = "only its shape matters")]
        pub(super) struct U {
            pub(super) x: u16,
        }
    }
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct U {
        x: u8,
    }

    assert_all_differ([
        of::<(U, U)>().unwrap(),
        of::<(U, other::U)>().unwrap(),
        of::<(other::U, U)>().unwrap(),
        of::<(other::U, other::U)>().unwrap(),
    ]);
}

#[test]
fn a_version_changes_the_fingerprint_and_so_does_the_shape() {
    assert_all_differ([
        of::<u8>().unwrap(),
        versioned::<u8>(0),
        versioned::<u8>(1),
        versioned::<u16>(1),
        versioned::<serde_json::Value>(1),
        versioned::<serde_json::Value>(2),
        versioned::<serde_json::Map<String, serde_json::Value>>(2),
    ]);
}

#[test]
fn fingerprints_do_not_change_by_accident() {
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Profile {
        id: u64,
        name: Option<String>,
        plan: Plan,
        friends: Vec<Profile>,
    }
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    enum Plan {
        Free,
        Core { until: i64 },
    }

    assert_eq!(
        of::<Profile>().unwrap(),
        2_878_188_406_621_800_376,
        "a new number makes every stored entry a miss"
    );
}
