//! Sends one probe. When, and what its result means, is `lb-balance`'s to say.

mod search;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use http::Method;
use lb_balance::{Failure, Outcome, StatusSet};
use lb_http1::BodyReader;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::Address;
use crate::attempt;
use crate::config::{HttpProbe, ProbeConfig, ProbeKind};
use crate::dial::Dial;
use crate::forward::push_field;
use crate::wire::{Broken, Wire};

const AGENT: &str = concat!("lb-probe/", env!("CARGO_PKG_VERSION"));

/// Asks the endpoint on a connection of its own: whether it accepts one is part of the question. `good` are the statuses
/// that are a success: the bodies of others are not looked into.
pub(crate) async fn send<D: Dial>(
    dial: D,
    address: Address,
    connect_timeout: Duration,
    good: StatusSet,
    probe: ProbeConfig,
) -> Outcome {
    let exchange = async {
        let mut wire = attempt::connect(&dial, &address, connect_timeout.min(probe.timeout)).await?;
        let ProbeKind::Http(http) = &probe.kind else { return Ok(Outcome::Connected) };
        ask(&mut wire, http, &address).await.map_err(attempt::failure)?;
        let status = wire.answer().status();
        let mut body = BodyReader::new(wire.answer().framing(http.method.as_str().as_bytes()));
        match &http.body {
            Some(text) if good.contains(status) && !search::finds(&mut wire, &mut body, text).await? => {
                Err(Failure::WrongBody)
            }
            Some(_) | None => Ok(Outcome::Answered { status }),
        }
    };
    match tokio::time::timeout(probe.timeout, exchange).await {
        Err(_) => Outcome::Failed(Failure::ResponseTimeout),
        Ok(Err(failure)) => Outcome::Failed(failure),
        Ok(Ok(outcome)) => outcome,
    }
}

/// Sends the request and waits for the head of the answer.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    probe: &HttpProbe,
    address: &Address,
) -> Result<(), Broken> {
    let text = wire.begin();
    for part in [probe.method.as_str(), " ", probe.path.as_str(), " HTTP/1.1\r\n"] {
        text.extend_from_slice(part.as_bytes());
    }
    match &probe.host {
        Some(host) => push_field(text, "Host", host.as_bytes()),
        None => push_field(text, "Host", address.to_string().as_bytes()),
    }
    push_field(text, "User-Agent", AGENT.as_bytes());
    push_field(text, "Connection", b"close");
    if probe.method == Method::POST {
        // A server may ask for a length where the method expects a body (RFC 9110 §8.6).
        push_field(text, "Content-Length", b"0");
    }
    text.extend_from_slice(b"\r\n");
    poll_fn(|cx| {
        let _sent_or_refused = wire.poll_write(cx, &[]);
        loop {
            match std::task::ready!(wire.poll_head(cx)) {
                Ok(()) if (100..=199).contains(&wire.answer().status()) => {}
                result => return Poll::Ready(result),
            }
        }
    })
    .await
}
