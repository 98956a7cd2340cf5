//! The port: what the adapter needs from a host, and nothing a host merely happens to offer.
//!
//! A door implements [`Platform`] by translation only. Guests are single-threaded, so nothing here asks
//! for `Send`.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

/// A body that arrives piece by piece.
///
/// `Ok(None)` is the only proper end; an `Err` means that the sender broke off, or fell silent for longer
/// than it may, and what was read so far is not the whole.
pub trait Body: 'static {
    /// Waits for the next piece. Pieces are never empty.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, BodyError>>;
}

/// Why a body ended before its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body broke off: {0}")]
pub struct BodyError(pub String);

/// What a message carries: nothing, bytes at hand, or a body passed on as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload<B> {
    /// No body.
    Empty,
    /// Bytes at hand.
    Full(Bytes),
    /// A body passed on as it arrives.
    Stream(B),
}

/// How long each wait of one origin request may take. There is no limit on the whole: a long download that
/// keeps moving is not cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For a connection.
    pub connect: Duration,
    /// From the connection to the response head.
    pub first_byte: Duration,
    /// For the next piece of the response body; when it passes, the body ends with an error.
    pub between_bytes: Duration,
}

/// Why an origin request has no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The request provably never left: refused, no such name, no handshake.
    #[error("no connection: {0}")]
    NoConnection(String),
    /// The connection broke before the response head; the origin may have acted.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// A deadline passed; the origin may have acted.
    #[error("no answer in time")]
    Timeout,
    /// What came back is not HTTP, or more than the host accepts.
    #[error("not a valid response: {0}")]
    Malformed(String),
    /// The host does not allow calls to this address.
    #[error("the host does not allow calls to the origin: {0}")]
    Forbidden(String),
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the state store failed: {0}")]
pub struct StoreError(pub String);

/// What a host does for the adapter.
pub trait Platform: Clone + 'static {
    /// A body from a visitor or from the origin.
    type Body: Body;

    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// 64 bits from a cryptographic source.
    fn random(&self) -> u64;

    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()>;

    /// Sends a request to an absolute URI and waits for the head of its response. The host keeps all three
    /// deadlines, the last of them on the body that it hands over.
    fn send(
        &self,
        request: Request<Payload<Self::Body>>,
        deadlines: Deadlines,
    ) -> impl Future<Output = Result<Response<Self::Body>, SendError>>;

    /// Reads a note that instances share. It may be stale or lost: `None` when absent or on any failure.
    fn note(&self, key: &str) -> impl Future<Output = Option<Vec<u8>>>;

    /// Writes a shared note, as far as the store takes it.
    fn take_note(&self, key: &str, value: Vec<u8>) -> impl Future<Output = ()>;

    /// Reads a record that has not expired.
    fn read(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>>;

    /// Inserts a record where there is none, or only an expired one. `false` when one is there. Atomic
    /// across instances.
    fn insert(
        &self,
        key: &str,
        value: &[u8],
        expires_ms: u64,
    ) -> impl Future<Output = Result<bool, StoreError>>;

    /// Replaces a record that still holds `old`. `false` when it does not. Atomic across instances.
    fn swap(
        &self,
        key: &str,
        old: &[u8],
        new: &[u8],
        expires_ms: u64,
    ) -> impl Future<Output = Result<bool, StoreError>>;

    /// Removes a record that still holds `old`.
    fn remove(&self, key: &str, old: &[u8]) -> impl Future<Output = Result<(), StoreError>>;

    /// Writes one line to the host's log. The line is JSON without a newline.
    fn record(&self, line: &str);
}
