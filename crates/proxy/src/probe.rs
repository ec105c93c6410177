//! Sends one probe. When, and what its result means, is `lb-balance`'s to say.

use http::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use http::{Request, Uri};
use lb_balance::{Failure, Outcome};

use crate::Address;
use crate::attempt;
use crate::config::{ProbeConfig, Timeouts};
use crate::dial::Dial;
use crate::replay::ReplayBody;

const AGENT: &str = concat!("lb-probe/", env!("CARGO_PKG_VERSION"));

/// Asks the endpoint for the probe's path on a connection of its own: whether it accepts one is part of the question.
pub(crate) async fn send<D: Dial>(dial: D, address: Address, timeouts: Timeouts, probe: ProbeConfig) -> Outcome {
    let exchange = async {
        let mut wire = attempt::connect(&dial, &address, timeouts.connect).await?;
        let mut request = Request::new(ReplayBody::empty());
        *request.uri_mut() = Uri::from(probe.path);
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::try_from(address.to_string()).map_err(|_| Failure::Unreachable)?);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        wire.exchange(request).await.map_err(|broken| attempt::failure(&broken.error))
    };
    match tokio::time::timeout(probe.timeout, exchange).await {
        Err(_) => Outcome::Failed(Failure::ResponseTimeout),
        Ok(Err(failure)) => Outcome::Failed(failure),
        Ok(Ok(answer)) => Outcome::Answered { status: answer.status().as_u16() },
    }
}
