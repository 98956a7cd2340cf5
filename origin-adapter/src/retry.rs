//! When a failed request is sent once more, and how often at most.

use std::cell::Cell;
use std::time::Duration;

use http::{Method, StatusCode, header};

use crate::platform::SendError;

/// Share of requests that may be retried, so that a shop in trouble sees at most a fifth more of them.
const TOKENS_PER_REQUEST: f64 = 0.2;
/// A quiet shop may be retried this often all the same.
const TOKENS_PER_SECOND: f64 = 3.0;
/// What a quiet time saves up.
const TOKENS_MAX: f64 = 10.0;
/// The wait before a retry is spread over this, so that many failures do not come back as one wave.
const WAIT_MS: std::ops::RangeInclusive<u64> = 50..=200;

/// The retry budget of one instance.
#[derive(Debug)]
pub(crate) struct Budget {
    tokens: Cell<f64>,
    refilled_ms: Cell<u64>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            tokens: Cell::new(TOKENS_MAX),
            refilled_ms: Cell::new(0),
        }
    }

    /// Counts a request.
    pub(crate) fn earn(&self, now_ms: u64) {
        let before = self.refilled_ms.replace(now_ms);
        let seconds = if before == 0 {
            0.0
        } else {
            now_ms.saturating_sub(before) as f64 / 1000.0
        };
        let tokens = self.tokens.get() + TOKENS_PER_REQUEST + seconds * TOKENS_PER_SECOND;
        self.tokens.set(tokens.min(TOKENS_MAX));
    }

    /// Takes leave to retry.
    pub(crate) fn spend(&self) -> bool {
        let enough = self.tokens.get() >= 1.0;
        if enough {
            self.tokens.set(self.tokens.get() - 1.0);
        }
        enough
    }
}

/// Methods that change nothing at the origin (RFC 9110 section 9.2.1).
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// Whether a failure may be gone at the next try. A deadline that passed may not: the visitor waited, and a
/// slow shop gets no faster by being asked twice.
pub(crate) fn is_worth_retrying<B>(outcome: &Result<http::Response<B>, SendError>) -> bool {
    match outcome {
        Ok(response) => match response.status() {
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => true,
            StatusCode::SERVICE_UNAVAILABLE => {
                !response.headers().contains_key(header::RETRY_AFTER)
            }
            _ => false,
        },
        Err(SendError::NoConnection(_) | SendError::Broken(_)) => true,
        Err(_) => false,
    }
}

/// How long to wait before the retry.
pub(crate) fn wait(random: u64) -> Duration {
    let (first, last) = (*WAIT_MS.start(), *WAIT_MS.end());
    Duration::from_millis(first + random % (last - first + 1))
}
