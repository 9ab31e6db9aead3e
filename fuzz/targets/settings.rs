//! Texts as settings and TTL tables.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cache_core::fuzz::settings(data));
