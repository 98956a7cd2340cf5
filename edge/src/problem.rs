//! Answers of our own when there is nothing to pass on: RFC 9457, or a small page for people.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::answer::{Answer, AnswerBody};
use crate::html::hints;
use crate::platform::{FetchError, Platform};

/// A problem, in the words of RFC 9457. The title is the status's own phrase.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    /// What is wrong one by one, where it is several things.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [hints::Problem],
}

/// `application/problem+json`.
pub(crate) fn json<P: Platform>(status: StatusCode, detail: &str) -> Answer<P> {
    list(status, detail, &[])
}

/// `application/problem+json` of several things that are wrong.
pub(crate) fn list<P: Platform>(
    status: StatusCode,
    detail: &str,
    errors: &[hints::Problem],
) -> Answer<P> {
    let problem = Problem {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail,
        errors,
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    answer(status, "application/problem+json", body)
}

/// The origin-adapter itself did not answer: a page for a person, a problem for a program.
pub(crate) fn unreachable<P: Platform>(client: &HeaderMap, error: &FetchError) -> Answer<P> {
    let status = match error {
        FetchError::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
        FetchError::Unreachable(..) => StatusCode::BAD_GATEWAY,
    };
    let wants_page = client
        .get(http::header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let mut answer = if wants_page {
        let page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Back in a moment</title>\
            <p>The shop cannot be reached at the moment. Please try again in a few seconds.</p></html>\n";
        self::answer(status, "text/html; charset=utf-8", page.into())
    } else {
        json(status, "the shop's adapter did not answer")
    };
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("5"));
    answer
}

/// An answer of our own, which nobody may keep and no search engine lists (H104). Nothing is said of these
/// paths in `robots.txt`, which is the shop's own: a crawler that may not fetch what a page loads sees another
/// page than a browser does.
pub(crate) fn answer<P: Platform>(
    status: StatusCode,
    kind: &'static str,
    body: Vec<u8>,
) -> Answer<P> {
    let mut response = Response::new(AnswerBody::Full(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}
