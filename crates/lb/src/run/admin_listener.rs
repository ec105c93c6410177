//! The admin API's own listener, which outlives the configuration that it was bound for.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use lb_proxy::BindError;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::admin::{Admin, Reach};

/// So long nothing is accepted where a connection cannot be had: most often for want of descriptors, which come back as others
/// end.
const PAUSE: Duration = Duration::from_secs(1);

/// A client has so long for a request's head, and an idle one for its next: as long as one of a listener by default, and not a usual
/// interval between two scrapes of metrics, since one that comes as its connection ends would be lost.
const HEAD: Duration = Duration::from_secs(75);

/// The listener, kept for whoever takes this one's place.
pub(super) struct AdminListener {
    configured: SocketAddr,
    socket: std::net::TcpListener,
    // A copy of it, until it is served.
    to_serve: Option<TcpListener>,
}

impl AdminListener {
    /// Binds the address, or shares it with whoever had it before.
    pub(super) fn bind(configured: SocketAddr, before: Option<&Self>) -> Result<Self, BindError> {
        let socket = match before.filter(|before| before.configured == configured) {
            Some(before) => before.socket.try_clone(),
            None => std::net::TcpListener::bind(configured),
        };
        let ready = |socket: std::net::TcpListener| {
            socket.set_nonblocking(true)?;
            let to_serve = Some(TcpListener::from_std(socket.try_clone()?)?);
            Ok(Self { configured, socket, to_serve })
        };
        socket.and_then(ready).map_err(|error| BindError { address: configured, error })
    }

    /// Serves the admin API until it is told to stop; then nobody is accepted any more.
    ///
    /// Those who were accepted go on. Whoever asks on an old connection is answered by the API that is current then, which ends
    /// the connection with its answer; so they cannot be told to end earlier, since one whose request has not been read yet
    /// would get no answer.
    pub(super) fn serve(&mut self, admin: &Admin, mut stop: watch::Receiver<bool>) {
        let Some(listener) = self.to_serve.take() else { return };
        let address = listener.local_addr().unwrap_or(self.configured);
        tracing::info!("the admin API listens on {address}");
        let router = admin.router(Reach::OwnListener);
        tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, router) => {}
                // The sender is gone only when everything is.
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
}

async fn accept(listener: TcpListener, router: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, router.clone()))),
            // Gone before it was taken.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "the admin API accepts nobody for a second");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve(stream: TcpStream, router: Router) {
    // Events are small and wanted at once; without it they are late, nothing worse.
    let _late = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the admin API broke");
    }
}
