//! See `auricle_fuzz::headers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auricle_fuzz::headers::run(data));
