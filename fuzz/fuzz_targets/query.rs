//! See `auricle_fuzz::query`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auricle_fuzz::query::run(data));
