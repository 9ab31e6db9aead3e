//! Bytes as an entry of the remote level.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cache_core::fuzz::envelope(data));
