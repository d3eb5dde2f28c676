//! See `auricle_fuzz::inbound`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| auricle_fuzz::inbound::run(data));
