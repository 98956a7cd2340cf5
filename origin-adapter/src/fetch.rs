//! One request to the origin: admitted by the breaker, under deadlines, tried once more where that is safe.

use std::time::Duration;

use futures::future::{Either, select};
use http::{Request, Response, StatusCode};

use crate::adapter::Adapter;
use crate::breaker::{Admission, Breaker, Verdict};
use crate::platform::{Deadlines, Payload, Platform, SendError};
use crate::retry;

/// Beyond the host's own deadlines: when a host overlooks one, nothing waits much longer than promised.
const GRACE: Duration = Duration::from_millis(250);

/// The origin's answer, and how it came.
#[derive(Debug)]
pub(crate) struct Fetched<B> {
    pub(crate) response: Response<B>,
    pub(crate) retried: bool,
    pub(crate) ttfb_ms: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The circuit is open: nothing was sent.
    Open { wait_ms: u64 },
    /// Something was sent, or tried.
    Failed {
        error: SendError,
        retried: bool,
        ms: u64,
    },
}

/// Sends a request through `breaker`.
pub(crate) async fn fetch<P: Platform>(
    adapter: &Adapter,
    platform: &P,
    breaker: &Breaker,
    deadlines: Deadlines,
    request: Request<Payload<P::Body>>,
) -> Result<Fetched<P::Body>, Failure> {
    let safe = retry::is_safe(request.method());
    let admission = breaker.admit(platform, safe).await;
    if let Admission::Refused { wait_ms } = admission {
        return Err(Failure::Open { wait_ms });
    }
    let started = platform.now_ms();
    adapter.budget.earn(started);
    let spare = spare(
        &request,
        safe && adapter.settings().retry && admission == Admission::Through,
    );

    let mut outcome = attempt(platform, request, deadlines).await;
    let mut retried = false;
    if let Some(spare) = spare
        && retry::is_worth_retrying(&outcome)
        && adapter.budget.spend()
    {
        platform.sleep(retry::wait(platform.random())).await;
        retried = true;
        let second = attempt(platform, spare, deadlines).await;
        // The origin's own error page says more than no second answer at all.
        if second.is_ok() || outcome.is_err() {
            outcome = second;
        }
    }
    breaker.report(platform, admission, verdict(&outcome)).await;
    let ms = platform.now_ms().saturating_sub(started);
    match outcome {
        Ok(response) => Ok(Fetched {
            response,
            retried,
            ttfb_ms: ms,
        }),
        Err(error) => Err(Failure::Failed { error, retried, ms }),
    }
}

/// A copy of the request for a second try, where it has no body and one is allowed.
fn spare<B>(request: &Request<Payload<B>>, allowed: bool) -> Option<Request<Payload<B>>> {
    if !allowed || !matches!(request.body(), Payload::Empty) {
        return None;
    }
    let mut spare = Request::new(Payload::Empty);
    *spare.method_mut() = request.method().clone();
    *spare.uri_mut() = request.uri().clone();
    *spare.headers_mut() = request.headers().clone();
    Some(spare)
}

async fn attempt<P: Platform>(
    platform: &P,
    request: Request<Payload<P::Body>>,
    deadlines: Deadlines,
) -> Result<Response<P::Body>, SendError> {
    let response = std::pin::pin!(platform.send(request, deadlines));
    let limit = std::pin::pin!(platform.sleep(deadlines.connect + deadlines.first_byte + GRACE));
    match select(response, limit).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => Err(SendError::Timeout),
    }
}

fn verdict<B>(outcome: &Result<Response<B>, SendError>) -> Verdict {
    match outcome {
        Ok(response) => match response.status() {
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Verdict::Failing,
            status if status.is_server_error() => Verdict::Unclear,
            _ => Verdict::Healthy,
        },
        // A host that forbids the call says nothing about the shop.
        Err(SendError::Forbidden(_)) => Verdict::Unclear,
        Err(_) => Verdict::Failing,
    }
}
