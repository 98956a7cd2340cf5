//! The origin adapter's port on Fastly Compute, and the two ways into it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use fastly::Backend;
use fastly::http::request::{SendError as HostError, SendErrorCause};
use http::{Request, Response, StatusCode};
use vitrine_origin_adapter::platform::{
    Body, BodyError, Deadlines, Payload, Platform, SendError, StoreError,
};
use vitrine_origin_adapter::{Adapter, Visitor};

use crate::body::Incoming;
use crate::door::Caller;
use crate::{settings, state};

/// `/_v/cart` and `/_v/adapter`, straight from the visitor.
pub(crate) async fn respond(caller: &Caller, request: Request<Incoming>) -> Response<Incoming> {
    let visitor = Visitor {
        client: caller
            .address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        scheme: caller.scheme.clone(),
        authority: caller.authority.clone(),
    };
    match handle(&visitor, request).await {
        Ok(response) => response,
        Err(reason) => {
            eprintln!("origin_settings: {reason}");
            let mut response = Response::new(Incoming::Full(Bytes::from_static(
                br#"{"title":"Internal Server Error","status":500,"detail":"the origin adapter's settings cannot be read"}"#,
            )));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response.headers_mut().insert(
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static("application/problem+json"),
            );
            response
        }
    }
}

/// What `edge` asks of the shop.
pub(crate) async fn fetch(request: Request<Incoming>) -> Result<Response<Incoming>, String> {
    handle(&Visitor::default(), request).await
}

async fn handle(
    visitor: &Visitor,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, String> {
    let settings = serde_json::from_str(&settings::text("origin_settings"))
        .map_err(|error| error.to_string())?;
    let adapter = Adapter::new(settings).map_err(|error| error.to_string())?;
    let response = adapter
        .handle(&Fastly, visitor, request.map(Payload::Stream))
        .await;
    Ok(response.map(|payload| match payload {
        Payload::Empty => Incoming::Full(Bytes::new()),
        Payload::Full(bytes) => Incoming::Full(bytes),
        Payload::Stream(body) => body,
    }))
}

#[derive(Clone)]
struct Fastly;

impl Body for Incoming {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.next().map_err(BodyError)
    }
}

impl Platform for Fastly {
    type Body = Incoming;

    fn now_ms(&self) -> u64 {
        crate::platform::now_ms()
    }

    fn random(&self) -> u64 {
        crate::platform::random()
    }

    async fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    async fn send(
        &self,
        request: Request<Payload<Incoming>>,
        deadlines: Deadlines,
    ) -> Result<Response<Incoming>, SendError> {
        let (head, payload) = request.into_parts();
        let backend = backend(&head.uri, deadlines)?;
        let body = match payload {
            Payload::Empty => fastly::Body::new(),
            Payload::Full(bytes) => fastly::Body::from(bytes.to_vec()),
            Payload::Stream(Incoming::Host(body)) => body,
            Payload::Stream(mut other) => {
                let mut bytes = Vec::new();
                while let Some(piece) = other.next().map_err(SendError::Broken)? {
                    bytes.extend_from_slice(&piece);
                }
                fastly::Body::from(bytes)
            }
        };
        // `pass`: what may be kept is decided in `edge`, and nowhere else.
        let request = fastly::Request::from(Request::from_parts(head, body)).with_pass(true);
        let response = request.send(&backend).map_err(cause)?;
        Ok(http::Response::<fastly::Body>::from(response).map(Incoming::Host))
    }

    async fn note(&self, key: &str) -> Option<Vec<u8>> {
        state::read(key).ok().flatten()
    }

    async fn take_note(&self, key: &str, value: Vec<u8>) {
        if let Err(error) = state::write_note(key, &value) {
            eprintln!("{error}");
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        state::read(key)
    }

    async fn insert(&self, key: &str, value: &[u8], expires_ms: u64) -> Result<bool, StoreError> {
        state::insert(key, value, expires_ms)
    }

    async fn swap(
        &self,
        key: &str,
        old: &[u8],
        new: &[u8],
        expires_ms: u64,
    ) -> Result<bool, StoreError> {
        state::swap(key, old, new, expires_ms)
    }

    async fn remove(&self, key: &str, old: &[u8]) -> Result<(), StoreError> {
        state::remove(key, old)
    }

    fn record(&self, line: &str) {
        println!("{line}");
    }
}

/// The backend for an origin under given deadlines. A name can be registered once in a module's life.
fn backend(uri: &http::Uri, deadlines: Deadlines) -> Result<Backend, SendError> {
    thread_local!(static OPEN: RefCell<HashMap<String, Backend>> = RefCell::default());
    let host = uri
        .host()
        .ok_or_else(|| SendError::NoConnection("the origin has no host".into()))?;
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let name = format!(
        "{host}:{port}/{}/{}",
        deadlines.first_byte.as_millis(),
        deadlines.between_bytes.as_millis()
    );
    if let Some(backend) = OPEN.with_borrow(|open| open.get(&name).cloned()) {
        return Ok(backend);
    }
    let authority = uri
        .authority()
        .map_or_else(|| host.to_owned(), ToString::to_string);
    let builder = Backend::builder(&name, format!("{host}:{port}"))
        .override_host(authority)
        .connect_timeout(deadlines.connect)
        .first_byte_timeout(deadlines.first_byte)
        .between_bytes_timeout(deadlines.between_bytes);
    let builder = if secure {
        builder
            .enable_ssl()
            .sni_hostname(host)
            .check_certificate(host)
    } else {
        builder.disable_ssl()
    };
    let backend = builder
        .finish()
        .map_err(|error| SendError::Forbidden(error.to_string()))?;
    OPEN.with_borrow_mut(|open| open.insert(name, backend.clone()));
    Ok(backend)
}

/// Whether the request can have left is what the adapter must know: it retries only what did not.
fn cause(error: HostError) -> SendError {
    let reason = error.to_string();
    match error.root_cause() {
        SendErrorCause::DnsTimeout
        | SendErrorCause::DnsError { .. }
        | SendErrorCause::DestinationNotFound
        | SendErrorCause::DestinationUnavailable
        | SendErrorCause::DestinationIpUnroutable
        | SendErrorCause::ConnectionRefused
        | SendErrorCause::ConnectionTimeout
        | SendErrorCause::ConnectionLimitReached
        | SendErrorCause::TlsCertificateError
        | SendErrorCause::TlsConfigurationError
        | SendErrorCause::TlsProtocolError => SendError::NoConnection(reason),
        SendErrorCause::HttpResponseTimeout => SendError::Timeout,
        SendErrorCause::HttpProtocolError
        | SendErrorCause::HttpIncompleteResponse
        | SendErrorCause::HttpResponseHeaderSectionTooLarge
        | SendErrorCause::HttpResponseBodyTooLarge
        | SendErrorCause::HttpResponseStatusInvalid => SendError::Malformed(reason),
        _ => SendError::Broken(reason),
    }
}
