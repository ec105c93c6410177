//! Clients and endpoints, with the proxy between them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lb_proxy_fuzz::exchange(bytes));
