//! See `auricle_fuzz::target`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auricle_fuzz::target::run(data));
