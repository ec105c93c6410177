//! A drill's own client: asks one of the cluster's routes over TCP, through the listener, as any other client does.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::Aim;

/// How long one waits where the file does not say it: longer than any request that can still come to something.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Came {
    /// It succeeded.
    Well,
    /// It was answered with this status, which is a failure.
    Answered(u16),
    /// There was no connection, or it broke.
    Broken,
    /// There was no answer within the time.
    Late,
    /// It was due, and too many were under way.
    NotSent,
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well => f.write_str("succeeded"),
            Self::Answered(status) => write!(f, "answered {status}"),
            Self::Broken => f.write_str("without an answer, or with a part of one"),
            Self::Late => f.write_str("not answered in time"),
            Self::NotSent => f.write_str("not sent, since too many were under way"),
        }
    }
}

/// Asks the same again and again, on connections that are kept.
#[derive(Clone)]
pub(super) struct Asker {
    client: Client<HttpConnector, Empty<Bytes>>,
    url: Uri,
    host: Option<HeaderValue>,
    patience: Duration,
}

impl Asker {
    pub(super) fn new(listener: SocketAddr, aim: &Aim, patience: Option<Duration>) -> Self {
        let path = PathAndQuery::try_from(aim.path.as_str()).expect("a route's path has been checked");
        let url = Uri::builder().scheme("http").authority(reachable(listener).to_string()).path_and_query(path).build();
        let host =
            aim.host.as_deref().map(|host| HeaderValue::try_from(host).expect("a route's host has been checked"));
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        let url = url.expect("an address and a path are a URL");
        Self { client, url, host, patience: patience.unwrap_or(PATIENCE) }
    }

    /// One request and its whole answer.
    pub(super) async fn ask(&self) -> Came {
        tokio::time::timeout(self.patience, self.exchange()).await.unwrap_or(Came::Late)
    }

    async fn exchange(&self) -> Came {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.url.clone();
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("lb-drill"));
        if let Some(host) = &self.host {
            request.headers_mut().insert(HOST, host.clone());
        }
        let Ok(answer) = self.client.request(request).await else { return Came::Broken };
        let status = answer.status();
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return Came::Broken;
            }
        }
        // One of too many connections has asked nobody anything.
        let failed = status.as_u16() >= 500 || status == StatusCode::TOO_MANY_REQUESTS;
        if failed { Came::Answered(status.as_u16()) } else { Came::Well }
    }
}

/// Where this machine reaches a listener, which may be on all of its addresses.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_by_loopback() {
        for (listener, expected) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            let reached = reachable(listener.parse().expect("an address"));
            assert_eq!(reached.to_string(), expected);
        }
    }
}
