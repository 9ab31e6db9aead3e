//! URLs and variables that say where Redis is.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cache_redis::fuzz::connection(data));
