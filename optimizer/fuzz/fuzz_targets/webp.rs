#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_optimizer::fuzz::webp(bytes));
