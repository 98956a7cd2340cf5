//! What a visitor sees when the shop does not answer.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::fetch::Failure;
use crate::platform::{Payload, SendError};
use crate::problem::Problem;

/// Least and most that a visitor is asked to wait.
const WAIT_S: std::ops::RangeInclusive<u64> = 2..=60;

/// The request that found no shop, as far as the answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The visitor waits for a page, not for data.
    pub(crate) for_page: bool,
    /// The request may have changed something before the answer was lost.
    pub(crate) unsafe_method: bool,
    /// HEAD: no body.
    pub(crate) head: bool,
}

/// The answer in the shop's place. Nothing stores it, and it says when to come back.
pub(crate) fn respond<B>(failure: &Failure, asked: Asked) -> Response<Payload<B>> {
    let problem = problem(failure, asked.unsafe_method);
    if asked.head {
        return without_body(problem.response());
    }
    if !asked.for_page {
        return problem.response();
    }
    let reload = (!asked.unsafe_method)
        .then_some(problem.retry_after_s)
        .flatten();
    let mut response = problem.response();
    *response.body_mut() = Payload::Full(Bytes::from(page(&problem.detail, reload)));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}

fn without_body<B>(mut response: Response<Payload<B>>) -> Response<Payload<B>> {
    *response.body_mut() = Payload::Empty;
    response
}

/// The failure as a problem. After an unsafe request it never invites a second one before the visitor has
/// looked: the first may have been an order.
pub(crate) fn problem(failure: &Failure, unsafe_method: bool) -> Problem {
    let (status, code, wait_ms, sent) = match failure {
        Failure::Open { wait_ms } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "backend_unavailable",
            *wait_ms,
            false,
        ),
        Failure::Failed {
            error: SendError::Timeout,
            ..
        } => (StatusCode::GATEWAY_TIMEOUT, "backend_timeout", 10_000, true),
        Failure::Failed {
            error: SendError::NoConnection(_),
            ..
        } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "backend_unavailable",
            5_000,
            false,
        ),
        Failure::Failed {
            error: SendError::Forbidden(_),
            ..
        } => (StatusCode::BAD_GATEWAY, "backend_forbidden", 30_000, false),
        Failure::Failed { .. } => (StatusCode::BAD_GATEWAY, "backend_unavailable", 5_000, true),
    };
    let (code, detail) = if unsafe_method && sent {
        (
            "outcome_unknown",
            "The shop stopped answering before it confirmed this step. It may have been carried out: check \
             your cart or your orders before you try again.",
        )
    } else {
        (
            code,
            "The shop is taking a short break. Nothing is lost: try again in a moment.",
        )
    };
    let detail = if code == "backend_timeout" {
        "The shop is taking longer than usual to answer. Try again in a moment."
    } else {
        detail
    };
    Problem::new(status, code, detail)
        .retry_after(wait_ms.div_ceil(1000).clamp(*WAIT_S.start(), *WAIT_S.end()))
}

/// A page that needs nothing else: whatever it would link to is down too.
fn page(text: &str, reload_s: Option<u64>) -> String {
    let reload = reload_s.map_or(String::new(), |s| {
        format!("<meta http-equiv=\"refresh\" content=\"{s}\">\n")
    });
    let again = reload_s.map_or(String::new(), |s| {
        format!("<p class=\"s\">This page tries again by itself in {s} seconds.</p>\n")
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n{reload}<title>Back in a moment</title>\n<style>\n\
         :root{{color-scheme:light dark}}\n\
         body{{margin:0;min-height:100vh;display:grid;place-items:center;font:1.1rem/1.5 system-ui,sans-serif}}\n\
         main{{max-width:32rem;padding:2rem}}h1{{font-size:1.6rem;margin:0 0 .5rem}}.s{{opacity:.75;font-size:.95rem}}\n\
         </style>\n</head>\n<body>\n<main>\n<h1>Back in a moment</h1>\n<p>{text}</p>\n{again}</main>\n</body>\n</html>\n"
    )
}
