//! Every default, with its reason.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use http::Method;
use lb_balance::{BudgetPolicy, FirstProbe, OutlierPolicy, RetryOn};
use lb_proxy::Key;

/// As many workers as CPUs that this process may use: more would only take turns.
pub(super) fn workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Long enough for almost any request, and what orchestrators commonly wait before they kill.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Loopback: whoever wants the admin API to be reached from elsewhere has to say so.
pub(super) const ADMIN_BIND: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9900));

/// None: what failed or was retried is traced anyway.
pub(super) const TRACES_SAMPLE: f64 = 0.0;

/// About a megabyte of each kind, and more than anybody reads.
pub(super) const TRACES_KEPT: usize = 1000;

/// What this service is called where its spans are shown.
pub(super) const SERVICE: &str = "lb";

/// One in a hundred: enough to see what is usual, and cheap.
pub(super) const SPANS_SAMPLE: f64 = 0.01;

/// Everybody gets the same.
pub(super) const WEIGHT: u32 = 1;

/// What every request has.
pub(super) const KEY: Key = Key::Client;

/// Off: a key that leaves its endpoint while that is busy misses what is kept for it there.
pub(super) const BOUND_PERCENT: u32 = 0;

/// A name that no application has for a cookie of its own.
pub(super) const SESSION_COOKIE: &str = "lb-session";

/// Nobody comes before anybody.
pub(super) const PRIORITY: u8 = 0;

/// Right after those that are no backup.
pub(super) const BACKUP_PRIORITY: u8 = 1;

/// What nearly always means that another endpoint would do better, and never that the request was wrong.
pub(super) fn retry_on() -> RetryOn {
    RetryOn { error: true, timeout: true, invalid_header: false, statuses: vec![503] }
}

/// The first try and three more: if four endpoints fail in a row, the fifth is not likely to help.
pub(super) const ATTEMPTS: u32 = 4;

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

/// Without one of its own: connecting and answering are limited already, each by itself.
pub(super) const ATTEMPT_TIMEOUT: Option<Duration> = None;

/// Any number: how much an endpoint can do is its own to say, and a limit that is too low refuses what it could serve.
pub(super) const MAX_IN_FLIGHT: Option<NonZeroU32> = None;

/// Form posts and API calls fit in; uploads do not, and are not worth the memory.
pub(super) const BODY_LIMIT: u32 = 64 * 1024;

/// One failure may be chance, three within the window hardly (nginx: 1 within 10 s).
pub(super) const MAX_FAILS: u32 = 3;

/// Off: a busy endpoint may well fail so many in a row by chance, and one that is dead fails as many in the window.
pub(super) const MAX_FAILS_IN_A_ROW: u32 = 0;

/// nginx's `fail_timeout`.
pub(super) const FAIL_WINDOW: Duration = Duration::from_secs(10);

/// nginx's `fail_timeout`, which it uses for both.
pub(super) const EJECT_TIME: Duration = Duration::from_secs(10);

/// Envoy's: whoever failed all its trials for so long is asked once in five minutes.
pub(super) const MAX_EJECT_TIME: Duration = Duration::from_mins(5);

/// Endpoints that failed together come back within a tenth of their time of each other, not at once.
pub(super) const EJECT_JITTER_PERCENT: u8 = 10;

/// When more than half of a cluster fails, the fault is likelier ours.
pub(super) const MAX_EJECTED_PERCENT: u8 = 50;

/// Envoy's, all four of them; comparing is off unless it is asked for, since it takes an even load to be fair.
pub(super) const OUTLIERS: OutlierPolicy =
    OutlierPolicy { interval: Duration::from_secs(10), min_requests: 100, min_endpoints: 5, tenths_of_deviation: 19 };

/// Off: it asks to be refused, and whoever wants to pass on errors rather than an answer of our own has to say so.
pub(super) const FAIL_OPEN: bool = false;

/// Where servers commonly tell their health.
pub(super) const PROBE_PATH: &str = "/health";

/// What asks for a page and changes nothing.
pub(super) const PROBE_METHOD: Method = Method::GET;

/// A balancer that was just started should serve, not wait for two probes of everybody.
pub(super) const FIRST_PROBE: FirstProbe = FirstProbe::Trust;

/// Off: a probe may see what requests do not, and says on the page how its endpoint is.
pub(super) const SPARE_BUSY: bool = false;

/// Often enough to notice within seconds, seldom enough to cost nothing.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// A server that takes longer to say that it is well is not.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Several balancers that were started together shall not ask together for ever.
pub(super) const PROBE_JITTER_PERCENT: u8 = 5;

/// As `fall` in `HAProxy`.
pub(super) const PROBE_FALL: u32 = 3;

/// As `rise` in `HAProxy`.
pub(super) const PROBE_RISE: u32 = 2;

/// Within a data centre a connection takes well under a millisecond; a lost SYN is sent again after one second.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Half of nginx's 60 s: browsers and people give up before that.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// nginx's `proxy_read_timeout`.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// nginx's `keepalive_timeout` for upstream connections.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// `HAProxy`'s advice for `timeout tunnel`: a chat may be silent for long, and most ask now and then whether the other side is
/// still there.
pub(super) const TUNNEL_TIMEOUT: Duration = Duration::from_hours(1);

/// What pages ask for; others have uses that a balancer should be told of.
pub(super) const UPGRADES: [&str; 1] = ["websocket"];

/// Three quarters of the descriptors that the process does not need itself: a connection with a request under way needs
/// another one to an endpoint, and most have none. With all of them taken, those let in could not be served.
pub(super) fn connections(descriptors: usize) -> usize {
    const OWN: usize = 24;
    descriptors.saturating_sub(OWN) / 4 * 3
}

/// The kernel's part of a connection is about as large, and a retry keeps some; with half of the memory free of all that, whatever
/// else runs is not pushed out.
pub(super) const MEMORY_PERCENT: u8 = 25;

/// Ten times nginx's: a connection that never ends keeps its worker for ever, even if all others have gone to another one.
pub(super) const REQUESTS_PER_CONNECTION: Option<NonZeroU32> = NonZeroU32::new(10_000);

/// nginx's `client_header_timeout`.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_mins(1);

/// nginx's `keepalive_timeout`.
pub(super) const CLIENT_IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// nginx's `client_body_timeout`.
pub(super) const CLIENT_BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// A thirtieth of what the slowest telephone line carried: who sends more slowly wants to tie something up.
pub(super) const BODY_RATE: u32 = 128;

/// nginx's `send_timeout`.
pub(super) const SEND_TIMEOUT: Duration = Duration::from_mins(1);
