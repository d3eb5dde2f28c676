//! See `auricle_fuzz::xsd`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auricle_fuzz::xsd::run_json(data));
