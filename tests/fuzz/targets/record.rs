#![no_main]

#[path = "../../support/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::record(data));
