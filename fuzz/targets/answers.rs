//! What a server answers.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cache_redis::fuzz::answers(data));
