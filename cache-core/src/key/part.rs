//! What can be an argument of a key.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::KeyWriter;

/// A value that can be part of a key.
///
/// # Contract
///
/// * Equal values write the same text, different values of one type different texts.
/// * A value writes through one call of a [`KeyWriter`] method; several values go into one
///   [`tuple`](KeyWriter::tuple).
///
/// `#[derive(KeyPart)]` keeps both: a struct with one field writes as its field does, other
/// structs as tuples, enums with the name of their variant.
pub trait KeyPart {
    /// Writes this value.
    fn write(&self, out: &mut KeyWriter);
}

macro_rules! forward {
    ($($generic:ident => $type:ty),*) => {$(
        impl<$generic: KeyPart + ?Sized> KeyPart for $type {
            fn write(&self, out: &mut KeyWriter) {
                (**self).write(out);
            }
        }
    )*};
}
forward!(T => &T, T => Arc<T>, T => Box<T>, T => Rc<T>);

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl KeyPart for $type {
            fn write(&self, out: &mut KeyWriter) {
                out.integer(i128::from(*self));
            }
        }
        impl KeyPart for NonZero<$type> {
            fn write(&self, out: &mut KeyWriter) {
                self.get().write(out);
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl KeyPart for isize {
    fn write(&self, out: &mut KeyWriter) {
        out.integer(*self as i128);
    }
}

impl KeyPart for usize {
    fn write(&self, out: &mut KeyWriter) {
        out.unsigned(*self as u128);
    }
}

impl KeyPart for u128 {
    fn write(&self, out: &mut KeyWriter) {
        out.unsigned(*self);
    }
}

/// Floats compare as numbers do, but for NaN: all NaN are one key, and `-0.0` is `0.0`.
impl KeyPart for f64 {
    fn write(&self, out: &mut KeyWriter) {
        let number = if *self == 0.0 { 0.0 } else { *self };
        out.symbol(&format!("{number:?}"));
    }
}

/// As `f64`, which holds every `f32` exactly.
impl KeyPart for f32 {
    fn write(&self, out: &mut KeyWriter) {
        f64::from(*self).write(out);
    }
}

impl KeyPart for bool {
    fn write(&self, out: &mut KeyWriter) {
        out.symbol(if *self { "true" } else { "false" });
    }
}

impl KeyPart for char {
    fn write(&self, out: &mut KeyWriter) {
        out.text(self.encode_utf8(&mut [0; 4]));
    }
}

impl KeyPart for str {
    fn write(&self, out: &mut KeyWriter) {
        out.text(self);
    }
}

impl KeyPart for String {
    fn write(&self, out: &mut KeyWriter) {
        out.text(self);
    }
}

impl<T: KeyPart + ToOwned + ?Sized> KeyPart for Cow<'_, T> {
    fn write(&self, out: &mut KeyWriter) {
        (**self).write(out);
    }
}

impl<T: KeyPart> KeyPart for Option<T> {
    fn write(&self, out: &mut KeyWriter) {
        out.option(self.as_ref().map(|value| value as &dyn KeyPart));
    }
}

impl<T: KeyPart> KeyPart for [T] {
    fn write(&self, out: &mut KeyWriter) {
        out.sequence(self.iter().map(|part| part as &dyn KeyPart));
    }
}

impl<T: KeyPart> KeyPart for Vec<T> {
    fn write(&self, out: &mut KeyWriter) {
        self.as_slice().write(out);
    }
}

impl<T: KeyPart, const N: usize> KeyPart for [T; N] {
    fn write(&self, out: &mut KeyWriter) {
        self.as_slice().write(out);
    }
}

macro_rules! displayed {
    ($($type:ty),*) => {$(
        impl KeyPart for $type {
            fn write(&self, out: &mut KeyWriter) {
                out.symbol(&self.to_string());
            }
        }
    )*};
}
displayed!(IpAddr, Ipv4Addr, Ipv6Addr);

impl KeyPart for Duration {
    fn write(&self, out: &mut KeyWriter) {
        out.unsigned(self.as_nanos());
    }
}

macro_rules! tuples {
    ($($($name:ident)*;)*) => {$(
        impl<$($name: KeyPart),*> KeyPart for ($($name,)*) {
            fn write(&self, out: &mut KeyWriter) {
                #[allow(non_snake_case, reason = "the type parameters name the fields")]
                let ($($name,)*) = self;
                out.tuple(&[$($name as &dyn KeyPart),*]);
            }
        }
    )*};
}
tuples! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}
