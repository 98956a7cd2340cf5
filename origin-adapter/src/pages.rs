//! Pages, assets, images and the shop's own APIs: passed to the origin and back, bodies untouched.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use url::Url;

use crate::adapter::Adapter;
use crate::down::{self, Asked};
use crate::fetch::{Failure, Fetched, fetch};
use crate::headers;
use crate::platform::{Deadlines, Payload, Platform, SendError};
use crate::problem::Problem;

/// How much longer than for a page the shop may take over an order.
const UNSAFE_PATIENCE: u32 = 3;
/// A phone at the edge of its network.
const SLOW_UPLINK_BYTES_PER_S: u64 = 64 << 10;
/// For an upload that does not say how long it is.
const UPLOAD_UNKNOWN: Duration = Duration::from_mins(1);
/// A length is only what the visitor says.
const UPLOAD_MAX: Duration = Duration::from_mins(10);

/// Answers with the origin's own response, or with what stands in its place.
pub(crate) async fn respond<P: Platform>(
    adapter: &Adapter,
    platform: &P,
    mut request: Request<Payload<P::Body>>,
) -> Response<Payload<P::Body>> {
    let asked = Asked {
        for_page: is_for_page(request.headers()),
        unsafe_method: !crate::retry::is_safe(request.method()),
        head: request.method() == Method::HEAD,
    };
    let Some(uri) = at_origin(adapter.origin(), request.uri()) else {
        return Problem::new(
            http::StatusCode::BAD_REQUEST,
            "invalid_request",
            "This is not a path.",
        )
        .response();
    };
    *request.uri_mut() = uri;
    headers::clean_request(request.headers_mut());
    if has_no_body(request.method(), request.headers()) {
        *request.body_mut() = Payload::Empty;
    }

    let deadlines = deadlines(adapter.deadlines(), &request);
    match fetch(adapter, platform, &adapter.pages, deadlines, request).await {
        Ok(fetched) => answer(adapter, fetched),
        Err(failure) => {
            let mut response = down::respond(&failure, asked);
            note_failure(response.headers_mut(), &failure);
            response
        }
    }
}

fn answer<B>(adapter: &Adapter, fetched: Fetched<B>) -> Response<Payload<B>> {
    let status = if fetched.retried { "retried" } else { "ok" };
    let mut response = fetched.response.map(Payload::Stream);
    headers::clean_response(response.headers_mut());
    headers::localise(response.headers_mut(), adapter.origin());
    note(response.headers_mut(), status, fetched.ttfb_ms);
    response
}

fn note_failure(headers: &mut HeaderMap, failure: &Failure) {
    match failure {
        Failure::Open { .. } => note(headers, "open", 0),
        Failure::Failed {
            error: SendError::Timeout,
            ms,
            ..
        } => note(headers, "timeout", *ms),
        Failure::Failed { ms, .. } => note(headers, "down", *ms),
    }
}

fn note(headers: &mut HeaderMap, status: &str, ttfb_ms: u64) {
    if let Ok(value) = HeaderValue::from_str(&format!("status={status};ttfb={ttfb_ms}")) {
        headers.insert(headers::ORIGIN, value);
    }
}

/// Hosts count the wait for the first byte from the start of the request, its upload included. A form or an
/// order may take the shop longer than a page, and giving up on one leaves the shopper not knowing.
fn deadlines<B>(pages: Deadlines, request: &Request<Payload<B>>) -> Deadlines {
    if crate::retry::is_safe(request.method()) {
        return pages;
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let upload = match (length, request.body()) {
        (Some(bytes), _) => Duration::from_secs(bytes / SLOW_UPLINK_BYTES_PER_S).min(UPLOAD_MAX),
        (None, Payload::Stream(_)) => UPLOAD_UNKNOWN,
        (None, _) => Duration::ZERO,
    };
    Deadlines {
        first_byte: pages.first_byte * UNSAFE_PATIENCE + upload,
        ..pages
    }
}

/// A safe request without a length has no body, though a host hands over a stream for every message. Knowing
/// so is what allows a second try.
fn has_no_body(method: &Method, headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    crate::retry::is_safe(method) && length.is_none_or(|length| length == "0")
}

/// The edge says what it is asking for; without it, the visitor's `Accept` does.
fn is_for_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let accepts_html = text(&header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    match text(&headers::CLASS) {
        Some("page") | None => accepts_html,
        Some(_) => false,
    }
}

/// The same path and query at the origin, letter by letter.
pub(crate) fn at_origin(origin: &Url, uri: &Uri) -> Option<Uri> {
    let path = uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let authority = &origin[url::Position::BeforeHost..url::Position::AfterPort];
    Uri::builder()
        .scheme(origin.scheme())
        .authority(authority)
        .path_and_query(path)
        .build()
        .ok()
}
