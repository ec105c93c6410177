//! Sends one probe. When, and what its result means, is `lb-balance`'s to say.

mod search;

use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use lb_balance::{Failure, Outcome, StatusSet};

use crate::Address;
use crate::attempt;
use crate::config::{HttpProbe, ProbeConfig, ProbeKind};
use crate::dial::Dial;
use crate::replay::ReplayBody;

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
        let answer = wire.exchange(request(http, &address)?).await.map_err(|broken| attempt::failure(&broken.error))?;
        let status = answer.status().as_u16();
        match &http.body {
            Some(text) if good.contains(status) && !search::finds(&mut wire, answer.into_body(), text).await? => {
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

fn request(probe: &HttpProbe, address: &Address) -> Result<Request<ReplayBody>, Failure> {
    let mut request = Request::new(ReplayBody::empty());
    *request.method_mut() = probe.method.clone();
    *request.uri_mut() = Uri::from(probe.path.clone());
    let headers = request.headers_mut();
    let host = match &probe.host {
        Some(host) => host.clone(),
        None => HeaderValue::try_from(address.to_string()).map_err(|_| Failure::Unreachable)?,
    };
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if probe.method == Method::POST {
        // A server may ask for a length where the method expects a body (RFC 9110 §8.6).
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(request)
}
