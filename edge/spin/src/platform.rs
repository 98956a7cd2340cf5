//! The port on Spin.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, Request, Response};
use spin_sdk::key_value::Store;
use vitrine_edge::platform::{Body as _, Capabilities, FetchError, Payload, Platform, Service};
use wasip3::http::types::{self, ErrorCode, Fields, Method, Scheme};
use wasip3::http_compat::http_from_wasi_response;
use wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::body::Incoming;

/// Label of the key-value store in `spin.toml`.
const CACHE: &str = "cache";
/// Label of the durable one.
const LEARNED: &str = "learned";

#[derive(Clone)]
pub(crate) struct Spin;

type Head = Result<types::Response, ErrorCode>;

/// A request under way. The call starts when its future is polled first, so it is polled once at once.
pub(crate) enum Pending {
    Waiting(Service, Pin<Box<dyn Future<Output = Head>>>),
    Done(Service, Head),
}

impl Platform for Spin {
    type Body = Incoming;
    type Pending = Pending;

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "spin",
            after_response: true,
            concurrent_fetch: true,
            shared_cache: true,
            // WASI HTTP 0.3 has no informational responses.
            early_hints: false,
            pauses_visible: true,
            deadlines: true,
        }
    }

    fn now_ms(&self) -> u64 {
        let now = wasip3::clocks::system_clock::now();
        u64::try_from(now.seconds).unwrap_or(0) * 1000 + u64::from(now.nanoseconds) / 1_000_000
    }

    fn monotonic_us(&self) -> u64 {
        wasip3::clocks::monotonic_clock::now() / 1000
    }

    fn random(&self) -> u64 {
        wasip3::random::random::get_random_u64()
    }

    fn start(&self, service: Service, request: Request<Payload<Incoming>>) -> Pending {
        let mut call: Pin<Box<dyn Future<Output = Head>>> = match outgoing(service, request) {
            Ok(request) => Box::pin(wasip3::http::client::send(request)),
            Err(error) => return Pending::Done(service, Err(error)),
        };
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(head) => Pending::Done(service, head),
            Poll::Pending => Pending::Waiting(service, call),
        }
    }

    async fn head(&self, pending: Pending) -> Result<Response<Incoming>, FetchError> {
        let (service, head) = match pending {
            Pending::Waiting(service, call) => (service, call.await),
            Pending::Done(service, head) => (service, head),
        };
        head.and_then(http_from_wasi_response)
            .map(|response| response.map(Incoming::Response))
            .map_err(|error| match error {
                ErrorCode::ConnectionTimeout
                | ErrorCode::ConnectionReadTimeout
                | ErrorCode::HttpResponseTimeout => FetchError::Timeout(service),
                error => FetchError::Unreachable(service, error.to_string()),
            })
    }

    async fn head_within(
        &self,
        pending: Pending,
        ms: u32,
    ) -> Result<Result<Response<Incoming>, FetchError>, Pending> {
        let (service, mut call) = match pending {
            Pending::Waiting(service, call) => (service, call),
            done @ Pending::Done(..) => return Ok(self.head(done).await),
        };
        let mut over = pin!(wasip3::clocks::monotonic_clock::wait_for(
            u64::from(ms) * 1_000_000
        ));
        let head = poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(head) => Poll::Ready(Some(head)),
            Poll::Pending => over.as_mut().poll(context).map(|()| None),
        });
        match head.await {
            Some(head) => Ok(self.head(Pending::Done(service, head)).await),
            None => Err(Pending::Waiting(service, call)),
        }
    }

    async fn cache_get(&self, key: &str) -> Option<Vec<u8>> {
        Store::open(CACHE).await.ok()?.get(key).await.ok()?
    }

    async fn cache_put(&self, key: &str, value: Vec<u8>) {
        if let Ok(store) = Store::open(CACHE).await {
            // A store that is full or gone is a cache that is empty.
            let _ = store.set(key, value).await;
        }
    }

    async fn cache_remove(&self, key: &str) {
        if let Ok(store) = Store::open(CACHE).await {
            let _ = store.delete(key).await;
        }
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        Store::open(LEARNED).await.ok()?.get(key).await.ok()?
    }

    async fn state_put(&self, key: &str, value: Vec<u8>) {
        if let Ok(store) = Store::open(LEARNED).await {
            let _ = store.set(key, value).await;
        }
    }

    fn early_hints(&self, _links: &[http::HeaderValue]) {}

    fn record(&self, line: &str) {
        println!("{line}");
    }

    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        wit_bindgen::spawn(work);
    }
}

fn authority(service: Service) -> &'static str {
    match service {
        Service::Origin => "origin-adapter.spin.internal",
        Service::Optimizer => "optimizer.spin.internal",
    }
}

fn outgoing(
    service: Service,
    request: Request<Payload<Incoming>>,
) -> Result<types::Request, ErrorCode> {
    let (parts, payload) = request.into_parts();
    let headers = fields(parts.headers)?;
    let request = match payload {
        Payload::Empty => {
            let (_, end) = wit_future::new(|| Ok(None));
            types::Request::new(headers, None, end, None).0
        }
        Payload::Stream(mut body) => match body.take_request() {
            // Spliced by the host.
            Some(visitor) => {
                let (_, received) = wit_future::new(|| Ok(()));
                let (stream, trailers) = types::Request::consume_body(visitor, received);
                types::Request::new(headers, Some(stream), trailers, None).0
            }
            None => streamed(headers, Payload::Stream(body)),
        },
        payload => streamed(headers, payload),
    };
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request
        .set_method(&Method::from(&parts.method))
        .map_err(invalid)?;
    request.set_scheme(Some(&Scheme::Http)).map_err(invalid)?;
    request
        .set_authority(Some(authority(service)))
        .map_err(invalid)?;
    let path = parts
        .uri
        .path_and_query()
        .map(http::uri::PathAndQuery::as_str);
    request.set_path_with_query(path).map_err(invalid)?;
    Ok(request)
}

fn streamed(headers: Fields, payload: Payload<Incoming>) -> types::Request {
    let (mut sink, stream) = wit_stream::new();
    let (result, end) = wit_future::new(|| {
        Err(ErrorCode::InternalError(Some(
            "the body was dropped".into(),
        )))
    });
    wit_bindgen::spawn(async move {
        let outcome = match payload {
            Payload::Empty => Ok(None),
            Payload::Full(bytes) => {
                sink.write_all(bytes.into()).await;
                Ok(None)
            }
            Payload::Stream(mut body) => loop {
                match body.chunk().await {
                    Ok(Some(piece)) => {
                        if !sink.write_all(piece.into()).await.is_empty() {
                            return;
                        }
                    }
                    Ok(None) => break Ok(None),
                    Err(error) => break Err(ErrorCode::InternalError(Some(error.to_string()))),
                }
            },
        };
        drop(sink);
        let _ = result.write(outcome).await;
    });
    types::Request::new(headers, Some(stream), end, None).0
}

fn fields(headers: HeaderMap) -> Result<Fields, ErrorCode> {
    Fields::try_from(headers).map_err(|error| ErrorCode::InternalError(Some(error.to_string())))
}
