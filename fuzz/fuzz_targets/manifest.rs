//! See `auricle_fuzz::manifest`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auricle_fuzz::manifest::run(data));
