//! What a server pushes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cache_redis::fuzz::pushes(data));
