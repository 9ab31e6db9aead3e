//! The values that a type without data is given, in the order they are tried.
//!
//! Most types take the first. The others are for types that check: a date, an address, a month.

/// Tried as every kind of integer, so cut to its width; the first is fit for a `NonZero`.
pub(super) const INTEGERS: &[i64] =
    &[1, 0, 2, 7, 10, 16, 31, 32, 64, 100, 2000, 10_000, 1_000_000, 1_767_225_600];

pub(super) const FLOATS: &[f32] = &[1.0, 0.0, 0.5, -1.0, 10.0, 100.0, 1000.0];

pub(super) const BOOLS: &[bool] = &[false, true];

pub(super) const CHARS: &[char] = &['a', 'A', '0', ' ', '\u{e9}'];

pub(super) const STRINGS: &[&str] = &[
    "",
    "a",
    "0",
    "1",
    "A",
    "en",
    "US",
    "USD",
    "en-US",
    "UTC",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00+00:00",
    "1970-01-01T00:00:00",
    "1970-01-01 00:00:00",
    "1970-01-01",
    "00:00:00",
    "1s",
    "PT1S",
    "+00:00",
    "1.0.0",
    "0.0.0.0",
    "127.0.0.1:80",
    "127.0.0.0/8",
    "::1",
    "[::1]:80",
    "00:00:00:00:00:00",
    "http://a.example/",
    "a@a.example",
    "a.example",
    "/a",
    "text/plain",
    "true",
    "00",
    "#000000",
    "+12025550123",
    "67e55044-10b1-426f-9247-bb680e5fe0c8",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "0123456789abcdef01234567",
    "0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

/// The lengths of byte strings that are tried, at most [`ZEROS`] long.
pub(super) const BYTE_LENGTHS: &[usize] = &[0, 16, 4, 32, 12, 8, 20, 6, 1, 24, 48, 64];

pub(super) const ZEROS: [u8; 64] = [0; 64];
