//! What clients send.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| lb_http1_fuzz::request(bytes));

// Every other input is changed by one who knows what it is made of.
fuzz_mutator!(|bytes: &mut [u8], length: usize, most: usize, seed: u32| {
    let spoilt = if seed.is_multiple_of(2) { lb_http1_fuzz::spoil(bytes, length, most, seed) } else { None };
    spoilt.unwrap_or_else(|| fuzzer_mutate(bytes, length, most))
});
