//! The one port: everything `edge` needs from a host, and nothing a host merely happens to offer.
//!
//! A door implements [`Platform`] by translation only: it contains no decision. A capability that a host
//! lacks is data in [`Capabilities`], never a method that fails when called. Every implementation passes
//! the contract suite in [`crate::testing`].
//!
//! Guests are single-threaded, so nothing here asks for `Send`; a native host that needs it runs each
//! request on a local executor.

use std::future::Future;

use bytes::Bytes;
use http::{Request, Response};

/// A body that arrives piece by piece.
///
/// `Ok(None)` is the only proper end; an `Err` means that the sender broke off and what was read so far is
/// not the whole.
pub trait Body: 'static {
    /// Waits for the next piece. Pieces are never empty.
    ///
    /// Dropping the future before it is ready loses nothing: the next call goes on where it left off. The
    /// pump asks whether a piece is there at all before it decides to flush what it holds.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, BodyError>>;
}

/// Why a body ended before its end.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the body broke off: {0}")]
pub struct BodyError(pub String);

/// Why an upstream request has no response.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, or it broke before the response head.
    #[error("{0} could not be reached: {1}")]
    Unreachable(Service, String),
    /// The response head did not come in time.
    #[error("{0} did not answer in time")]
    Timeout(Service),
}

/// Whom a request goes to. `edge` may call its siblings and nobody else: only `origin-adapter` calls out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Everything the shop answers, through its deadlines, retries and breaker.
    Origin,
    /// Better bytes for an image.
    Optimizer,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Origin => "origin-adapter",
            Self::Optimizer => "optimizer",
        })
    }
}

/// What a request to a sibling carries: nothing, bytes at hand, or the body of the visitor's own request.
#[derive(Debug)]
pub enum Payload<B> {
    /// No body.
    Empty,
    /// Bytes at hand.
    Full(Bytes),
    /// The visitor's body, passed on as it arrives.
    Stream(B),
}

/// What a host can and cannot do.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact about a host"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The host's name in ledgers and tables: `spin`, `fastly`, `test`.
    pub name: &'static str,
    /// Work given to [`Platform::spawn`] runs after the response; where false it runs before the
    /// connection to the visitor is released, but still after the last byte was handed over.
    pub after_response: bool,
    /// Several upstream requests can be in flight at once.
    pub concurrent_fetch: bool,
    /// Values in the cache survive the request that wrote them.
    pub shared_cache: bool,
    /// [`Platform::early_hints`] reaches the visitor. Where false, the final response's `Link` header has to do.
    pub early_hints: bool,
    /// Waiting for a piece of a body is visible (the future is pending). Where false, waiting blocks, and
    /// the pump flushes its compressor at every piece, because it cannot see a pause coming.
    pub pauses_visible: bool,
    /// [`Platform::head_within`] gives up in time. Where false, nothing is asked of a sibling that a visitor
    /// could come to wait for.
    pub deadlines: bool,
}

/// What a host does for `edge`.
pub trait Platform: Clone + 'static {
    /// A body from a visitor or from a sibling.
    type Body: Body;
    /// A request that was started and not yet awaited.
    type Pending: 'static;

    /// What this host can do.
    fn capabilities(&self) -> Capabilities;

    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// Microseconds from an arbitrary beginning, on a clock that only goes on.
    fn monotonic_us(&self) -> u64;

    /// 64 bits from a cryptographic source.
    fn random(&self) -> u64;

    /// Sends a request to a sibling. The URI is a path and query; the door supplies the authority.
    /// Several can be started before the first is awaited.
    fn start(&self, service: Service, request: Request<Payload<Self::Body>>) -> Self::Pending;

    /// Waits for the head of a started request.
    fn head(
        &self,
        pending: Self::Pending,
    ) -> impl Future<Output = Result<Response<Self::Body>, FetchError>>;

    /// Waits for the head of a started request, but not for longer than so many milliseconds: then the request
    /// comes back, still under way. A host without [`Capabilities::deadlines`] waits for as long as it takes.
    fn head_within(
        &self,
        pending: Self::Pending,
        _ms: u32,
    ) -> impl Future<Output = Result<Result<Response<Self::Body>, FetchError>, Self::Pending>> {
        async move { Ok(self.head(pending).await) }
    }

    /// Reads a cache entry. `None` when it is absent or the store failed: a cache may always be empty.
    fn cache_get(&self, key: &str) -> impl Future<Output = Option<Vec<u8>>>;

    /// Writes a cache entry, as far as the store has room.
    fn cache_put(&self, key: &str, value: Vec<u8>) -> impl Future<Output = ()>;

    /// Removes a cache entry.
    fn cache_remove(&self, key: &str) -> impl Future<Output = ()>;

    /// Reads from the durable store: small records that must outlive the cache. `None` when there is none or
    /// the store failed.
    fn state_get(&self, key: &str) -> impl Future<Output = Option<Vec<u8>>>;

    /// Writes to the durable store. A write that fails is lost: what is kept here can be learned again.
    fn state_put(&self, key: &str, value: Vec<u8>) -> impl Future<Output = ()>;

    /// Sends a `103 Early Hints` with these values of `Link` ahead of the response (RFC 8297), on a host
    /// that can (see [`Capabilities::early_hints`]).
    fn early_hints(&self, links: &[http::HeaderValue]);

    /// Writes one line to the host's log. The line is JSON without a newline.
    fn record(&self, line: &str);

    /// Runs work when the response is done with (see [`Capabilities::after_response`]).
    fn spawn(&self, work: impl Future<Output = ()> + 'static);
}
