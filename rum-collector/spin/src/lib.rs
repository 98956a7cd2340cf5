//! The Spin door of `vitrine-rum-collector`: translates between WASI HTTP 0.3, `spin:sqlite`, `spin:variables`
//! and the library, and decides nothing.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::disallowed_methods,
    reason = "a door answers the port from its host"
)]

mod database;
mod terms;

use std::cell::Cell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::Body as _;
use vitrine_rum_collector::collect::{BrokenBody, Chunks, Collector, Host};
use vitrine_rum_collector::store::sql::SqlStore;
use vitrine_rum_collector::visitor::Visitor;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::http_compat::{IncomingRequestBody, http_from_wasi_request};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Door;

wasip3::http::service::export!(Door);

thread_local! {
    // Rate limits and counters, as long as this instance lives.
    static COLLECTOR: &'static Collector = Box::leak(Box::default());
    static MIGRATED: &'static Cell<bool> = Box::leak(Box::default());
}

impl wasip3::exports::http::handler::Guest for Door {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let request = http_from_wasi_request(request)?;
        let visitor = visitor(&request);
        let terms = terms::current().await;
        let database = database::Rum;
        let store = SqlStore::new(&database, MIGRATED.with(|migrated| *migrated));
        let collector = COLLECTOR.with(|collector| *collector);
        let request = request.map(Incoming);
        let response = collector
            .respond(&Spin, &store, &terms, &visitor, request)
            .await;
        answer(response)
    }
}

/// The request body.
struct Incoming(IncomingRequestBody);

impl Chunks for Incoming {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BrokenBody> {
        loop {
            let frame = std::future::poll_fn(|context| Pin::new(&mut self.0).poll_frame(context));
            match frame.await {
                None => return Ok(None),
                Some(Err(_)) => return Err(BrokenBody),
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }
}

/// Clock and log.
struct Spin;

impl Host for Spin {
    fn now_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64)
    }

    #[allow(
        clippy::print_stdout,
        reason = "a component's standard output is its log"
    )]
    fn record(&self, line: &str) {
        println!("{line}");
    }
}

/// Who sends, from the headers that Spin adds and a client cannot.
fn visitor(request: &http::Request<IncomingRequestBody>) -> Visitor {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let full_url: Option<http::Uri> = header("spin-full-url").and_then(|url| url.parse().ok());
    let url = full_url.as_ref().unwrap_or(request.uri());
    Visitor {
        address: header("spin-client-addr")
            .and_then(|address| address.parse::<SocketAddr>().ok())
            .map(|address| address.ip()),
        authority: header("host")
            .map(str::to_owned)
            .or_else(|| url.authority().map(ToString::to_string)),
        country: None,
        pop: None,
    }
}

fn answer(response: http::Response<Bytes>) -> Result<Response, ErrorCode> {
    let (mut parts, body) = response.into_parts();
    if !body.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    let headers = Fields::try_from(parts.headers)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let (_, end) = wit_future::new(|| Ok(None));
    let stream = if body.is_empty() {
        None
    } else {
        let (mut sink, stream) = wit_stream::new();
        wit_bindgen::spawn(async move {
            // What is left over was not wanted: the client has gone.
            drop(sink.write_all(body.into()).await);
        });
        Some(stream)
    };
    let (response, _) = Response::new(headers, stream, end);
    let _ = response.set_status_code(parts.status.as_u16());
    Ok(response)
}
