//! An entry that was changed after it was written.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cache_core::fuzz::mutation(data));
