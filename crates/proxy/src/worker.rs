//! One thread with its own event loop, sockets and pools.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{oneshot, watch};
use tokio::task::yield_now;
use tokio::time::{interval, sleep, sleep_until, timeout};

use crate::clock::Clock;
use crate::complaint::Complaint;
use crate::connection;
use crate::dial::Tcp;
use crate::guests::Guests;
use crate::lent::{self, Stock};
use crate::limits::Crowd;
use crate::proxy::{Proxy, Shared};
use crate::tally::Tally;

/// How often idle upstream connections are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// How long a client whose head is not complete may go on with it while `lb` stops.
const HEAD_GRACE: Duration = Duration::from_secs(1);

/// How long accepting pauses when the process is out of descriptors: those in use may be closed meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is looked how late the event loop is, and after how many looks the worst of them is forgotten: it is kept for
/// five to ten seconds.
const LAG_EVERY: Duration = Duration::from_millis(500);
const LAG_LOOKS: usize = 10;

/// After so many turns of the event loop somebody who was asked to leave has left, or has something to do after all.
const LEAVING_TURNS: usize = 4;

/// What a worker is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// To get ready.
    Starting,
    /// To accept connections and to serve them.
    Serving,
    /// To accept no more, and to close each after its next answer. At these addresses somebody else accepts what waits.
    Retiring(Arc<[SocketAddr]>),
    /// To accept no more, and to close each as soon as nothing is under way on it.
    Stopping,
}

/// What a worker is made of.
pub(crate) struct Plan {
    pub(crate) shared: Arc<Shared>,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) complaints: Arc<Complaints>,
    /// What it may lend to what passes through.
    pub(crate) stock: Arc<Stock>,
    pub(crate) tally: Option<Arc<Tally>>,
    pub(crate) stop_timeout: Duration,
}

/// What keeps clients waiting at the door.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    /// There are as many connections as there may be, and none is idle.
    full: Complaint,
    /// The machine gives no connection, most often for want of descriptors.
    refused: Complaint,
}

/// Runs a worker until it is told to retire or to stop, and its connections have ended: with no limit of time as long as it
/// retires, for at most `stop_timeout` once it stops. Returns whether all of them had. Says whether it is `ready`, and begins when it
/// is told to serve; `hush` tells that it accepts no more.
pub(crate) fn run(
    sockets: Vec<std::net::TcpListener>,
    plan: Plan,
    mut phases: watch::Receiver<Phase>,
    ready: Sender<io::Result<()>>,
    hush: oneshot::Sender<()>,
) -> bool {
    let Plan { shared, crowd, complaints, stock, tally, stop_timeout } = plan;
    lent::lend_from(stock);
    let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime,
        Err(error) => {
            let _gone = ready.send(Err(error));
            return true;
        }
    };
    let all_ended = runtime.block_on(async {
        let listeners = sockets.into_iter().map(TcpListener::from_std).collect::<io::Result<Vec<_>>>();
        let listeners = match listeners {
            Ok(listeners) => listeners,
            Err(error) => {
                let _gone = ready.send(Err(error));
                return true;
            }
        };
        let _gone = ready.send(Ok(()));
        drop(ready);
        // Another worker may not have got what it needs.
        if phases.wait_for(|phase| *phase != Phase::Starting).await.is_err() {
            return true;
        }
        let proxy = Rc::new(Proxy::new(shared, &Tcp, tally.clone()));
        let guests = Guests::new(crowd, tally.clone());
        let lagging = tally.map(|tally| tokio::task::spawn_local(watch_lag(tally, proxy.clock())));
        let sweeping = tokio::task::spawn_local(sweep(Rc::clone(&proxy)));
        let accepting = listeners
            .into_iter()
            .map(|listener| {
                let (proxy, guests) = (Rc::clone(&proxy), Rc::clone(&guests));
                tokio::task::spawn_local(accept(listener, proxy, guests, Arc::clone(&complaints), phases.clone()))
            })
            .collect::<Vec<_>>();
        for task in accepting {
            if let Err(error) = task.await {
                tracing::error!(%error, "accepting ended");
            }
        }
        let _gone = hush.send(());
        let have_left = tokio::select! {
            () = guests.retire() => true,
            // The sender is gone only with the server.
            _ = phases.wait_for(|phase| *phase == Phase::Stopping) => false,
        };
        sweeping.abort();
        lagging.inspect(tokio::task::JoinHandle::abort);
        have_left
            || tokio::select! {
                ended = timeout(stop_timeout, guests.stop()) => ended.is_ok(),
                () = nobody_is_busy(proxy.busy_connections()) => true,
            }
    });
    // A name lookup that hangs in a thread of its own is not waited for.
    runtime.shutdown_background();
    all_ended
}

async fn accept(
    listener: TcpListener,
    proxy: Rc<Proxy<Tcp>>,
    guests: Rc<Guests>,
    complaints: Arc<Complaints>,
    mut phases: watch::Receiver<Phase>,
) {
    let clock = proxy.clock();
    let serve = |stream: TcpStream, client: SocketAddr| {
        // Heads and small bodies are written whole; waiting for more (Nagle) would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            return tracing::debug!(%error, "the client left at once");
        }
        match guests.enter(client.ip()) {
            Some(guest) => {
                tokio::task::spawn_local(connection::serve(Rc::clone(&proxy), stream, client.ip(), guest));
            }
            None => connection::turn_away(&stream, &proxy.clock()),
        }
    };
    let ending = phases.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phases.wait_for(|phase| *phase != Phase::Serving) => break,
        };
        match accepted {
            Ok((stream, client)) => {
                // One is let in beyond the limit, to wait here; the next ones wait in the kernel's queue.
                while !guests.has_room() && *ending.borrow() == Phase::Serving {
                    if !make_room(&guests).await {
                        let what = || "there are as many connections as may be: new ones wait".to_owned();
                        complaints.full.say(clock.now(), what);
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
                serve(stream, client);
            }
            Err(error) if belongs_to_one_connection(&error) => {}
            Err(error) => {
                complaints.refused.say(clock.now(), || format!("cannot accept connections for the moment: {error}"));
                guests.ask_idle_to_leave();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Clients that the kernel has already let in would be reset by closing the socket, unless somebody else has it, too.
    let is_shared = match (&*ending.borrow(), listener.local_addr()) {
        (Phase::Retiring(elsewhere), Ok(address)) => elsewhere.contains(&address),
        _ => false,
    };
    if !is_shared && let Ok(listener) = listener.into_std() {
        while let Ok((stream, client)) = listener.accept() {
            if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                serve(stream, client);
            }
        }
    }
}

/// Asks one that is idle to leave, and gives it the time to; whether there is one.
async fn make_room(guests: &Guests) -> bool {
    let is_asked = guests.ask_idle_to_leave();
    if is_asked {
        // It leaves when its task runs, unless a request has come to it meanwhile.
        for _ in 0..LEAVING_TURNS {
            if guests.has_room() {
                break;
            }
            yield_now().await;
        }
    }
    is_asked
}

fn belongs_to_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Returns when no connection is busy: those that are left then have sent no whole head.
async fn nobody_is_busy(connections: &Cell<usize>) {
    sleep(HEAD_GRACE).await;
    let mut ticks = interval(Duration::from_millis(20));
    while connections.get() > 0 {
        ticks.tick().await;
    }
}

/// Measures how much later than planned the event loop wakes up: so long everything else waits, too.
async fn watch_lag(tally: Arc<Tally>, clock: Clock) {
    // The most of the two latest periods, the current one included.
    let mut worst = [Duration::ZERO; 2];
    loop {
        worst = [Duration::ZERO, worst[0]];
        for _ in 0..LAG_LOOKS {
            let planned = clock.now() + LAG_EVERY;
            sleep_until(clock.deadline(planned)).await;
            let lag = clock.now().since(planned);
            worst[0] = worst[0].max(lag);
            let us = |lag: Duration| u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
            tally.lag_us.set(us(lag));
            tally.worst_lag_us.set(us(worst[0].max(worst[1])));
        }
    }
}

async fn sweep(proxy: Rc<Proxy<Tcp>>) {
    let mut ticks = interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        proxy.sweep();
    }
}
