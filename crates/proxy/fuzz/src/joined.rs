//! A proxy with pipes before and behind it, on a clock that goes on when everybody waits.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lb_balance::{Algorithm, Endpoint, HealthPolicy, Policy, RetryOn, RetryPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::broadcast;

use crate::audience::Audience;
use crate::clock::Clock;
use crate::complaint::Complaint;
use crate::config::{ClusterConfig, EndpointConfig, Timeouts};
use crate::dial::Dial;
use crate::driver::Driver;
use crate::guests::Guests;
use crate::limits::{Crowd, Limits};
use crate::proxy::{Proxy, Shared};
use crate::route::{ClusterId, Route, Routes, Target};
use crate::strict::Request;
use crate::{Address, Key, Marking, connection};

/// A request, as an endpoint read it.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// What an endpoint answers to each request, and whether it does as soon as it has heard its head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) is_early: bool,
}

/// Opens pipes to an endpoint that answers so, and remembers what it heard.
#[derive(Clone)]
pub(crate) struct Pipes {
    answer: Rc<[u8]>,
    is_early: bool,
    heard: Rc<RefCell<Vec<Heard>>>,
}

impl Dial for Pipes {
    type Stream = DuplexStream;

    async fn dial(&self, _: &Address) -> io::Result<DuplexStream> {
        let (ours, theirs) = duplex(64 * 1024);
        tokio::task::spawn_local(self.clone().play(theirs));
        Ok(ours)
    }
}

impl crate::client::Stream for DuplexStream {
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn has_bytes(&self) -> bool {
        false
    }

    fn end_with_reset(&self) {}
}

impl Pipes {
    /// Reads requests and answers them until the proxy hangs up.
    async fn play(self, mut stream: DuplexStream) -> io::Result<()> {
        let (mut came, mut is_answered) = (Vec::new(), false);
        while stream.read_buf(&mut came).await? > 0 {
            loop {
                let heard = self.hear(&came);
                let is_head = self.is_early && came.windows(4).any(|four| four == b"\r\n\r\n");
                if !is_answered && (heard.is_some() || is_head) {
                    stream.write_all(&self.answer).await?;
                    is_answered = true;
                }
                let Some(length) = heard else { break };
                came.drain(..length);
                is_answered = false;
            }
        }
        Ok(())
    }

    /// Reads a request, if it is all there; how long it was.
    fn hear(&self, came: &[u8]) -> Option<usize> {
        let mut left = came;
        match Request::read(&mut left) {
            Ok(request) => {
                let (method, target) = (request.method.to_vec(), request.target.to_vec());
                self.heard.borrow_mut().push(Heard { method, target, body: request.body });
                Some(came.len() - left.len())
            }
            Err(why) if came.is_empty() || is_unfinished(&why) => None,
            Err(why) => panic!("an endpoint is sent what is no request: {why}\n  b\"{}\"", came.escape_ascii()),
        }
    }
}

/// Whether a strict reader only wants to hear more.
pub(crate) fn is_unfinished(why: &str) -> bool {
    ["the body is not all there", "a line has no end"].contains(&why)
}

/// Lets a client say this to a proxy whose endpoint answers so; what the client is told, and what the endpoint.
pub(crate) async fn join(client_says: &[u8], answer: Answer<'_>) -> (Vec<u8>, Vec<Heard>) {
    let pipes = Pipes { answer: answer.bytes.into(), is_early: answer.is_early, heard: Rc::default() };
    let clock = Clock::start();
    let driver = Driver::new(cluster(), broadcast::channel(1).0, clock, pipes.clone(), None);
    let handle = driver.handle();
    let driving = tokio::task::spawn_local(driver.run());
    let target = Target::Cluster { cluster: ClusterId(0), pin: None, trace: true };
    let routes = Routes::new(vec![Route { host: None, path: "/".to_owned(), target }]);
    let audience = Arc::new(Audience::nobody());
    let shared = Arc::new(Shared {
        limits: LIMITS,
        routes,
        clusters: vec![handle],
        clock,
        audience,
        faults: Arc::default(),
        trace_token: None,
        marking: Marking::default(),
        trusted: Vec::new(),
        no_memory: Complaint::default(),
    });
    let (proxy, guests) = (Rc::new(Proxy::new(shared, &pipes, None)), Guests::new(Arc::new(Crowd::new(&LIMITS)), None));
    let client_ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let guest = guests.enter(client_ip).expect("there is room");
    let (client, server) = duplex(16 * 1024);
    let serving = tokio::task::spawn_local(connection::serve(Rc::clone(&proxy), server, client_ip, guest));
    let (mut reading, mut writing) = tokio::io::split(client);
    let said = client_says.to_vec();
    // It stays open when all is said: a client that closes has left.
    let saying = tokio::task::spawn_local(async move {
        let _unheard = writing.write_all(&said).await;
        std::future::pending::<()>().await;
    });
    let mut told = Vec::new();
    reading.read_to_end(&mut told).await.expect("pipes do not fail");
    serving.await.expect("it does not panic");
    assert_eq!(proxy.busy_connections().get(), 0, "nothing is under way any more");
    saying.abort();
    driving.abort();
    let heard = pipes.heard.take();
    (told, heard)
}

const LIMITS: Limits = Limits {
    head: lb_http1::Limits::DEFAULT,
    body: None,
    connections: NonZeroUsize::MAX,
    memory: usize::MAX,
    connections_per_client: None,
    requests_per_connection: None,
    head_timeout: Duration::from_mins(1),
    idle_timeout: Duration::from_secs(75),
    body_timeout: Duration::from_mins(1),
    body_rate: 1024,
    send_timeout: Duration::from_mins(1),
};

fn cluster() -> ClusterConfig {
    ClusterConfig {
        name: "web".to_owned(),
        policy: Policy {
            algorithm: Algorithm::RoundRobin,
            bound_percent: 0,
            health: HealthPolicy {
                max_fails: 3,
                fail_window: Duration::from_secs(10),
                max_fails_in_a_row: 0,
                outliers: None,
                eject_time: Duration::from_secs(10),
                max_eject_time: Duration::from_secs(10),
                eject_jitter_percent: 0,
                max_ejected_percent: 50,
                fail_open: false,
            },
            probe: None,
            retries: true,
            slow_start: Duration::ZERO,
        },
        key: Key::Client,
        sticky: None,
        budget: None,
        endpoints: (1..=2)
            .map(|n| EndpointConfig {
                endpoint: Endpoint::new(format!("e{n}"), 1),
                address: format!("127.0.0.1:{n}").parse().expect("an address"),
            })
            .collect(),
        retry: RetryPolicy {
            on: RetryOn { error: true, timeout: true, invalid_header: true, statuses: vec![503] },
            attempts: NonZeroU32::new(2).expect("not zero"),
            timeout: Duration::from_secs(5),
            ..RetryPolicy::default()
        },
        replay_limit: 1024,
        queue: None,
        hedge: None,
        probe: None,
        timeouts: Timeouts {
            connect: Duration::from_secs(1),
            response: Duration::from_secs(30),
            request: None,
            attempt: None,
            body: Duration::from_mins(1),
            idle: Duration::from_mins(1),
            tunnel: Duration::from_mins(1),
        },
        upgrades: Vec::new(),
    }
}
