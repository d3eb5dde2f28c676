//! See `auricle_fuzz::soap`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auricle_fuzz::soap::run(data));
