//! A proxy with one client before it and scripted endpoints behind it, all in one task's reach.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use lb_balance::{Algorithm, Endpoint, HealthPolicy, Policy, RetryOn, RetryPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::broadcast;

use crate::audience::{Audience, Listener};
use crate::clock::Clock;
use crate::cluster::{ClusterHandle, ClusterSnapshot};
use crate::complaint::Complaint;
use crate::config::{ClusterConfig, EndpointConfig, Timeouts};
use crate::dial::Dial;
use crate::driver::Driver;
use crate::faults::Faults;
use crate::guests::Guests;
use crate::limits::{Crowd, Limits};
use crate::proxy::{Proxy, Shared};
use crate::route::{ClusterId, Route, Routes, Target};
use crate::story::Story;
use crate::tally::Tally;
use crate::{Address, Key, Marking, connection};

/// What an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Answers each request so, after so long.
    Answer { after: Duration, bytes: &'static str },
    /// Answers so, and goes on with the rest after so long.
    InTwo { first: &'static str, pause: Duration, rest: &'static str },
    /// Accepts the connection after so long, and answers 200 after so long again.
    AcceptLate { connect: Duration, answer: Duration },
    /// Never accepts the connection.
    BlackHole,
    /// Refuses the connection.
    Refuse,
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
pub(super) const UNAVAILABLE: &str = "HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno";

pub(super) fn at_once(bytes: &'static str) -> Script {
    Script::Answer { after: Duration::ZERO, bytes }
}

/// Opens pipes to scripted endpoints: the n-th script plays the endpoint at port n.
#[derive(Clone)]
pub(super) struct Pipes {
    scripts: Rc<[Script]>,
    dialled: Rc<RefCell<Vec<usize>>>,
}

impl Dial for Pipes {
    type Stream = DuplexStream;

    async fn dial(&self, address: &Address) -> io::Result<DuplexStream> {
        let port = address.as_socket().expect("a number").port();
        let index = usize::from(port) - 1;
        self.dialled.borrow_mut().push(index);
        let script = self.scripts[index];
        match script {
            Script::BlackHole => std::future::pending().await,
            Script::Refuse => Err(io::ErrorKind::ConnectionRefused.into()),
            Script::Answer { .. } | Script::InTwo { .. } | Script::AcceptLate { .. } => {
                if let Script::AcceptLate { connect, .. } = script {
                    tokio::time::sleep(connect).await;
                }
                let (ours, theirs) = duplex(64 * 1024);
                tokio::task::spawn_local(play(script, theirs));
                Ok(ours)
            }
        }
    }
}

impl crate::client::Stream for DuplexStream {
    fn poll_readable(&self, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        std::task::Poll::Ready(())
    }

    fn has_bytes(&self) -> bool {
        false
    }

    fn end_with_reset(&self) {}
}

/// Plays an endpoint until the proxy hangs up.
async fn play(script: Script, mut stream: DuplexStream) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        while !read.windows(4).any(|window| window == b"\r\n\r\n") {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        read.clear();
        match script {
            Script::Answer { after, bytes } => {
                tokio::time::sleep(after).await;
                stream.write_all(bytes.as_bytes()).await?;
            }
            Script::InTwo { first, pause, rest } => {
                stream.write_all(first.as_bytes()).await?;
                tokio::time::sleep(pause).await;
                stream.write_all(rest.as_bytes()).await?;
            }
            Script::AcceptLate { answer, .. } => {
                tokio::time::sleep(answer).await;
                stream.write_all(OK.as_bytes()).await?;
            }
            Script::BlackHole | Script::Refuse => unreachable!("nobody is connected"),
        }
    }
}

/// A proxy before endpoints with these scripts.
pub(super) struct World {
    pub(super) cluster: Arc<ClusterHandle>,
    proxy: Rc<Proxy<Pipes>>,
    guests: Rc<Guests>,
    pipes: Pipes,
    pub(super) clock: Clock,
    pub(super) tally: Arc<Tally>,
    pub(super) faults: Arc<Faults>,
    stories: Receiver<Story>,
}

impl Listener for Sender<Story> {
    fn hear(&self, story: Story) {
        // A test may have ended before its connections have.
        let _gone = self.send(story);
    }
}

pub(super) const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(1),
    response: Duration::from_secs(30),
    request: None,
    attempt: None,
    body: Duration::from_mins(1),
    idle: Duration::from_mins(1),
    tunnel: Duration::from_mins(1),
};

pub(crate) const LIMITS: Limits = Limits {
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

impl World {
    pub(super) fn new(scripts: &[Script]) -> Self {
        Self::with(scripts, |_| {})
    }

    /// A world whose configuration is changed before it begins.
    pub(super) fn with(scripts: &[Script], change: impl FnOnce(&mut ClusterConfig)) -> Self {
        Self::limited(scripts, LIMITS, change)
    }

    /// A world with other limits on clients.
    pub(super) fn limited(scripts: &[Script], limits: Limits, change: impl FnOnce(&mut ClusterConfig)) -> Self {
        let endpoint = |n: usize| EndpointConfig {
            endpoint: Endpoint::new(format!("e{n}"), 1),
            address: format!("127.0.0.1:{n}").parse().expect("an address"),
        };
        let mut config = ClusterConfig {
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
            endpoints: (1..=scripts.len()).map(endpoint).collect(),
            retry: RetryPolicy {
                on: RetryOn { error: true, timeout: true, invalid_header: false, statuses: vec![503] },
                attempts: NonZeroU32::new(4).expect("not zero"),
                timeout: Duration::from_secs(5),
                ..RetryPolicy::default()
            },
            replay_limit: 1024,
            queue: None,
            hedge: None,
            probe: None,
            timeouts: TIMEOUTS,
            upgrades: vec!["websocket".to_owned()],
        };
        change(&mut config);
        let clock = Clock::start();
        let pipes = Pipes { scripts: scripts.into(), dialled: Rc::default() };
        let driver = Driver::new(config, broadcast::channel(16).0, clock, pipes.clone(), None);
        let cluster = driver.handle();
        tokio::task::spawn_local(driver.run());
        let target = Target::Cluster { cluster: ClusterId(0), pin: None, trace: true };
        let routes = Routes::new(vec![Route { host: None, path: "/".to_owned(), target }]);
        // Everything is counted and told, in every test.
        let (told, stories) = channel();
        let audience = Arc::new(Audience::new(Box::new(told), 0.0, true));
        let tally = Arc::new(Tally::new(1, &[scripts.len()]));
        let faults = Arc::<Faults>::default();
        let shared = Arc::new(Shared {
            limits,
            routes,
            clusters: vec![Arc::clone(&cluster)],
            clock,
            audience,
            faults: Arc::clone(&faults),
            trace_token: None,
            marking: Marking::default(),
            trusted: Vec::new(),
            no_memory: Complaint::default(),
        });
        Self {
            cluster,
            proxy: Rc::new(Proxy::new(shared, &pipes, Some(Arc::clone(&tally)))),
            guests: Guests::new(Arc::new(Crowd::new(&limits)), Some(Arc::clone(&tally))),
            pipes,
            clock,
            tally,
            faults,
            stories,
        }
    }

    /// A client's connection, served by a task that is ended by aborting it.
    pub(super) fn client(&self) -> (DuplexStream, tokio::task::JoinHandle<()>) {
        let (client, server) = duplex(16 * 1024);
        let client_ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let guest = self.guests.enter(client_ip).expect("there is room");
        let serving = tokio::task::spawn_local(connection::serve(Rc::clone(&self.proxy), server, client_ip, guest));
        (client, serving)
    }

    /// Sends one request and gives all that comes back until the connection ends.
    pub(super) async fn ask(&self, request: &str) -> String {
        let (mut client, _serving) = self.client();
        client.write_all(request.as_bytes()).await.expect("it takes a request");
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("pipes do not fail");
        String::from_utf8(answer).expect("it is text")
    }

    pub(super) async fn get(&self) -> String {
        self.ask("GET / HTTP/1.1\r\nhost: t\r\nlb-trace: 1\r\nconnection: close\r\n\r\n").await
    }

    /// The next request that has ended, if one has.
    pub(super) fn story(&self) -> Option<Story> {
        self.stories.try_recv().ok()
    }

    /// Who is connected.
    pub(super) fn guests(&self) -> &Guests {
        &self.guests
    }

    /// How many connections have something under way.
    pub(super) fn busy_connections(&self) -> usize {
        self.proxy.busy_connections().get()
    }

    /// Which endpoints were connected to so far, from 0.
    pub(super) fn dialled(&self) -> Vec<usize> {
        self.pipes.dialled.borrow().clone()
    }

    pub(super) async fn snapshot(&self) -> ClusterSnapshot {
        self.cluster.snapshot().await.expect("the driver runs")
    }
}

/// Runs a test on a clock that stands still until everybody waits for it.
pub(crate) fn in_paused_time(test: impl Future<Output = ()>) {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build_local(LocalOptions::default());
    runtime.expect("an event loop").block_on(test);
}
