//! Names of the header fields that `lb` itself reads or writes.

use http::HeaderName;

/// Asked for by a client (any value) on routes that say `trace = true`, and on all routes by whoever says the admin API's
/// token in it. The answer has the request's attempts in the order they were made, as a structured field list (RFC 9651 §3.1)
/// with one member an attempt. The member is the endpoint's name as a string; its parameters are `status` (the answer's
/// status code) or `failure` (a token, why there was no answer), and `us` (how long the attempt took until then, in
/// microseconds).
///
/// ```text
/// lb-trace: "web2";status=503;us=1204, "web3";status=200;us=877
/// ```
pub const TRACE: HeaderName = HeaderName::from_static(TRACE_NAME);
pub(crate) const TRACE_NAME: &str = "lb-trace";

/// Carries the reason of an answer that `lb` gave itself, as a token: `no-route`, `no-endpoint`, …
/// An answer without it came from an endpoint.
pub const REJECT: HeaderName = HeaderName::from_static(REJECT_NAME);
pub(crate) const REJECT_NAME: &str = "lb-reject";
