//! Responses on their way out: what the host says itself, and the record of every response that leaves.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error, WasiBody};

use super::Shared;
use super::log::Access;
use super::service::Failure;

/// A response whose departure is not recorded yet.
pub(crate) struct Answer(Response<WasiBody>);

impl Answer {
    pub(crate) fn new(response: Response<WasiBody>) -> Self {
        Self(response)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(crate) fn header(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.headers_mut().insert(name, value);
    }

    /// The response as it leaves. Its end, whichever it is, ends the record and the work.
    pub(crate) fn close(self, work: Work, mut record: Record) -> Response<Outgoing> {
        record.head(&self.0);
        self.0.map(|inner| Outgoing {
            inner,
            record,
            _work: work,
        })
    }
}

fn full(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body).map_err(Error::from).boxed_unsync());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Answer(response)
}

pub(crate) fn text(kind: &'static str, body: String) -> Answer {
    full(StatusCode::OK, kind, body.into())
}

/// RFC 9457.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Answer {
    let title = status.canonical_reason().unwrap_or("error");
    let body = serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let mut answer = full(status, "application/problem+json", body.to_string().into());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.header(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

/// The response of an API whose component failed.
pub(crate) fn failure(failure: &Failure) -> Answer {
    let detail = match failure {
        Failure::Busy => "the component is busy",
        Failure::TimedOut => "the component took too long",
        Failure::Trapped => "the component failed",
        Failure::NotStarted(_) => "the component could not be started",
        Failure::Refused(_) => "the component gave no response",
    };
    problem(failure.status(), detail)
}

/// A request in work.
pub(crate) struct Work {
    shared: Arc<Shared>,
    count: i64,
}

impl Work {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Self {
        let count = shared.host_metrics.in_work.fetch_add(1, Ordering::Relaxed) + 1;
        Self {
            shared: Arc::clone(shared),
            count,
        }
    }

    /// Requests in work when this one began, itself included.
    pub(crate) fn count(&self) -> i64 {
        self.count
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.shared
            .host_metrics
            .in_work
            .fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the access log will say. Written when it is dropped: at the end of the body, or when the client goes away.
pub(crate) struct Record {
    open: Option<Box<Open>>,
}

struct Open {
    shared: Arc<Shared>,
    method: http::Method,
    path: String,
    version: Version,
    component: Arc<str>,
    started: Instant,
    first_byte_us: u64,
    status: u16,
    bytes: u64,
    /// The length of the body, where it is known beforehand.
    length: Option<u64>,
    end: &'static str,
    bypass: Option<&'static str>,
}

/// How a body ended that failed before its end.
const BROKEN: &str = "broken";

/// What a client that went away before the response head is logged as.
const CLIENT_CLOSED: u16 = 499;

impl Record {
    pub(crate) fn open<B>(shared: &Arc<Shared>, request: &Request<B>, started: Instant) -> Self {
        let open = shared.log.wants_requests().then(|| {
            Box::new(Open {
                shared: Arc::clone(shared),
                method: request.method().clone(),
                path: request.uri().path().to_owned(),
                version: request.version(),
                component: Arc::clone(&shared.own_name),
                started,
                first_byte_us: 0,
                status: CLIENT_CLOSED,
                bytes: 0,
                length: None,
                end: "aborted",
                bypass: None,
            })
        });
        Self { open }
    }

    pub(crate) fn component(&mut self, name: &Arc<str>) {
        if let Some(open) = &mut self.open {
            open.component = Arc::clone(name);
        }
    }

    pub(crate) fn bypass(&mut self, reason: &'static str) {
        if let Some(open) = &mut self.open {
            open.bypass = Some(reason);
        }
    }

    fn head(&mut self, response: &Response<WasiBody>) {
        if let Some(open) = &mut self.open {
            open.status = response.status().as_u16();
            open.first_byte_us = open.started.elapsed().as_micros() as u64;
            open.length = length(&open.method, response);
        }
        self.sent(0);
    }

    /// Notes bytes of the body. After the last one the server does not ask for more, so that no end is seen.
    fn sent(&mut self, bytes: usize) {
        if let Some(open) = &mut self.open {
            open.bytes += bytes as u64;
            if open.length.is_some_and(|length| open.bytes >= length) {
                open.end = "ok";
            }
        }
    }

    /// Notes how the body ended. A body that broke is over too, which is no success.
    fn end(&mut self, end: &'static str) {
        if let Some(open) = self.open.as_mut().filter(|open| open.end != BROKEN) {
            open.end = end;
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        let access = Access {
            component: &open.component,
            method: open.method.as_str(),
            path: &open.path,
            status: open.status,
            protocol: protocol(open.version),
            bytes: open.bytes,
            first_byte_us: open.first_byte_us,
            total_us: open.started.elapsed().as_micros() as u64,
            end: open.end,
            bypass: open.bypass,
        };
        open.shared.log.line(access.render());
    }
}

/// The bytes that the server will send of a body, where that is known.
fn length(method: &http::Method, response: &Response<WasiBody>) -> Option<u64> {
    if *method == http::Method::HEAD
        || matches!(
            response.status(),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        )
    {
        return Some(0);
    }
    let said = response.headers().get(header::CONTENT_LENGTH);
    said.and_then(|value| value.to_str().ok()?.parse().ok())
        .or_else(|| response.body().size_hint().exact())
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

/// A response body on its way to the client.
pub(crate) struct Outgoing {
    inner: WasiBody,
    record: Record,
    _work: Work,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let poll = Pin::new(&mut self.inner).poll_frame(cx);
        match &poll {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.record.sent(data.len());
                }
                // Where no length is known, the body itself may know that this was the last frame.
                if self.inner.is_end_stream() {
                    self.record.end("ok");
                }
            }
            Poll::Ready(Some(Err(_))) => self.record.end(BROKEN),
            Poll::Ready(None) => self.record.end("ok"),
            Poll::Pending => {}
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // An empty body is dropped without a poll.
        if self.inner.is_end_stream() {
            self.record.end("ok");
        }
    }
}
