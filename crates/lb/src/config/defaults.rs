//! Every default, with its reason.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::NonZeroUsize;
use std::time::Duration;

use lb_balance::BudgetPolicy;

/// As many workers as CPUs that this process may use: more would only take turns.
pub(super) fn workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Long enough for almost any request, and what orchestrators commonly wait before they kill.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Loopback: whoever wants the admin API to be reached from elsewhere has to say so.
pub(super) const ADMIN_BIND: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9900));

/// Everybody gets the same.
pub(super) const WEIGHT: u64 = 1;

/// What nearly always means that another endpoint would do better, and never that the request was wrong.
pub(super) const RETRY_ON: [&str; 3] = ["error", "timeout", "503"];

/// The first try and three more: if four endpoints fail in a row, the fifth is not likely to help.
pub(super) const ATTEMPTS: u64 = 4;

/// A client that has waited so long would rather be told.
pub(super) const RETRY_TIMEOUT: Duration = Duration::from_secs(5);

/// Another endpoint is asked at once, as nginx does: the client waits, and the endpoint is not the one that failed.
pub(super) const BACKOFF: Duration = Duration::ZERO;

/// Finagle's: a fifth more load is what endpoints bear when many requests fail, and ten retries a second harm nobody.
pub(super) const BUDGET: BudgetPolicy = BudgetPolicy { percent: 20, floor: 10 };

/// Off: most servers are as quick in their first second as later.
pub(super) const SLOW_START: Duration = Duration::ZERO;

/// Who waits longer than this would rather be told, and ask elsewhere.
pub(super) const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);

/// Form posts and API calls fit in; uploads do not, and are not worth the memory.
pub(super) const BODY_LIMIT: u64 = 64 * 1024;

/// One failure may be chance, three within the window hardly (nginx: 1 within 10 s).
pub(super) const MAX_FAILS: u64 = 3;

/// nginx's `fail_timeout`.
pub(super) const FAIL_WINDOW: Duration = Duration::from_secs(10);

/// nginx's `fail_timeout`, which it uses for both.
pub(super) const EJECT_TIME: Duration = Duration::from_secs(10);

/// Envoy's: whoever failed all its trials for so long is asked once in five minutes.
pub(super) const MAX_EJECT_TIME: Duration = Duration::from_mins(5);

/// Endpoints that failed together come back within a tenth of their time of each other, not at once.
pub(super) const EJECT_JITTER_PERCENT: u8 = 10;

/// When more than half of a cluster fails, the fault is likelier ours.
pub(super) const MAX_EJECTED_PERCENT: u64 = 50;

/// Where servers commonly tell their health.
pub(super) const PROBE_PATH: &str = "/health";

/// Often enough to notice within seconds, seldom enough to cost nothing.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// A server that takes longer to say that it is well is not.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Several balancers that were started together shall not ask together for ever.
pub(super) const PROBE_JITTER_PERCENT: u8 = 5;

/// As `fall` in `HAProxy`.
pub(super) const PROBE_FALL: u64 = 3;

/// As `rise` in `HAProxy`.
pub(super) const PROBE_RISE: u64 = 2;

/// Within a data centre a connection takes well under a millisecond; a lost SYN is sent again after one second.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Half of nginx's 60 s: browsers and people give up before that.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// nginx's `proxy_read_timeout`.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// nginx's `keepalive_timeout` for upstream connections.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
