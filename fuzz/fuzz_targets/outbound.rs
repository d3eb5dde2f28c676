//! See `auricle_fuzz::outbound`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auricle_fuzz::outbound::run(data));
