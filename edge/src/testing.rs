//! A platform without a host, and the contract that every platform keeps.
//!
//! [`Fake`] scripts behaviour: its origin and its optimizer are closures, its clock stands still until it is
//! moved, its bodies pause and break off where the script says. It asserts nothing.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};

use crate::answer::Answer;
use crate::app::App;
use crate::headers::Visitor;
use crate::platform::{Body, BodyError, Capabilities, FetchError, Payload, Platform, Service};

pub mod conformance;
pub mod contract;

/// When a fake clock starts: 2026-11-24T00:00:00Z, in milliseconds.
pub const START_MS: u64 = 1_795_478_400_000;

/// A gate that a body waits at until a test opens it.
#[derive(Debug, Clone, Default)]
pub struct Gate(Rc<Cell<bool>>);

impl Gate {
    /// Lets the bodies on.
    pub fn open(&self) {
        self.0.set(true);
    }
}

/// One step of a body.
#[derive(Debug, Clone)]
pub enum Step {
    /// A piece.
    Piece(Bytes),
    /// Nothing for a while, until the gate is open.
    Wait(Gate),
    /// The sender breaks off.
    Break,
}

/// A body of steps.
#[derive(Debug, Clone, Default)]
pub struct FakeBody(VecDeque<Step>);

impl FakeBody {
    /// A body of these steps.
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }

    /// A body that comes in pieces of this size.
    pub fn in_pieces(bytes: &[u8], size: usize) -> Self {
        Self::of(
            bytes
                .chunks(size.max(1))
                .map(|piece| Step::Piece(Bytes::copy_from_slice(piece))),
        )
    }
}

impl<T: Into<Vec<u8>>> From<T> for FakeBody {
    fn from(bytes: T) -> Self {
        let bytes = Bytes::from(bytes.into());
        Self::of((!bytes.is_empty()).then_some(Step::Piece(bytes)))
    }
}

impl Body for FakeBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        std::future::poll_fn(|_| {
            while let Some(Step::Wait(gate)) = self.0.front() {
                if !gate.0.get() {
                    return Poll::Pending;
                }
                self.0.pop_front();
            }
            Poll::Ready(())
        })
        .await;
        match self.0.pop_front() {
            None | Some(Step::Wait(_)) => Ok(None),
            Some(Step::Piece(piece)) => Ok(Some(piece)),
            Some(Step::Break) => Err(BodyError("reset by the test".into())),
        }
    }
}

/// A request that a sibling got.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which sibling.
    pub service: Service,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

type Script = Box<dyn FnMut(&Seen) -> Result<Response<FakeBody>, FetchError>>;
type Work = Pin<Box<dyn Future<Output = ()>>>;

struct Inner {
    script: RefCell<Script>,
    seen: RefCell<Vec<Seen>>,
    lines: RefCell<Vec<String>>,
    cache: RefCell<BTreeMap<String, Vec<u8>>>,
    cache_broken: Cell<bool>,
    now_ms: Cell<u64>,
    random: Cell<u64>,
    spawned: RefCell<VecDeque<Work>>,
    capabilities: Cell<Capabilities>,
    state: RefCell<BTreeMap<String, Vec<u8>>>,
    hints: RefCell<Vec<HeaderValue>>,
    micros: Cell<u64>,
    slow: Cell<bool>,
}

/// A platform of closures.
#[derive(Clone)]
pub struct Fake(Rc<Inner>);

impl Fake {
    /// A platform whose siblings answer by this script.
    pub fn new(
        script: impl FnMut(&Seen) -> Result<Response<FakeBody>, FetchError> + 'static,
    ) -> Self {
        Self(Rc::new(Inner {
            script: RefCell::new(Box::new(script)),
            seen: RefCell::default(),
            lines: RefCell::default(),
            cache: RefCell::default(),
            cache_broken: Cell::new(false),
            now_ms: Cell::new(START_MS),
            random: Cell::new(1),
            spawned: RefCell::default(),
            capabilities: Cell::new(Capabilities {
                name: "test",
                after_response: true,
                concurrent_fetch: true,
                shared_cache: true,
                early_hints: true,
                pauses_visible: true,
                deadlines: false,
            }),
            slow: Cell::new(false),
            state: RefCell::default(),
            hints: RefCell::default(),
            micros: Cell::new(0),
        }))
    }

    /// A platform whose origin answers every request with the same response.
    pub fn with_origin(response: impl Fn() -> Response<FakeBody> + 'static) -> Self {
        Self::new(move |_| Ok(response()))
    }

    /// Replaces the script.
    pub fn script(
        &self,
        script: impl FnMut(&Seen) -> Result<Response<FakeBody>, FetchError> + 'static,
    ) {
        *self.0.script.borrow_mut() = Box::new(script);
    }

    /// Moves the clock.
    pub fn pass_ms(&self, ms: u64) {
        self.0.now_ms.set(self.0.now_ms.get() + ms);
    }

    /// Makes the cache lose everything and take nothing.
    pub fn break_cache(&self) {
        self.0.cache_broken.set(true);
    }

    /// Sets what the platform can do.
    pub fn set_capabilities(&self, change: impl FnOnce(&mut Capabilities)) {
        let mut capabilities = self.0.capabilities.get();
        change(&mut capabilities);
        self.0.capabilities.set(capabilities);
    }

    /// Makes every sibling miss the deadlines that it is given.
    pub fn miss_deadlines(&self, miss: bool) {
        self.0.slow.set(miss);
    }

    /// Every request that a sibling got.
    pub fn seen(&self) -> Vec<Seen> {
        self.0.seen.borrow().clone()
    }

    /// Requests to one sibling.
    pub fn seen_by(&self, service: Service) -> usize {
        self.0
            .seen
            .borrow()
            .iter()
            .filter(|seen| seen.service == service)
            .count()
    }

    /// Every line recorded.
    pub fn lines(&self) -> Vec<String> {
        self.0.lines.borrow().clone()
    }

    /// The cache's content, to look at or to damage.
    pub fn with_cache<R>(&self, look: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> R) -> R {
        look(&mut self.0.cache.borrow_mut())
    }

    /// The durable store's content.
    pub fn with_state<R>(&self, look: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> R) -> R {
        look(&mut self.0.state.borrow_mut())
    }

    /// Every `Link` value of a 103.
    pub fn hinted(&self) -> Vec<HeaderValue> {
        self.0.hints.borrow().clone()
    }

    /// Runs what was spawned, and what that spawns, until nothing is left.
    pub fn settle(&self) {
        loop {
            let Some(work) = self.0.spawned.borrow_mut().pop_front() else {
                return;
            };
            run(work);
        }
    }

    /// Sends a request through an app and reads the whole answer; work after the response is done too.
    pub fn send(&self, app: &Rc<App>, request: Request<FakeBody>) -> Whole {
        let answer = self.begin(app, request);
        let whole = Whole::of(answer);
        self.settle();
        whole
    }

    /// Sends a request through an app, and leaves the body to be read.
    pub fn begin(&self, app: &Rc<App>, mut request: Request<FakeBody>) -> Answer<Self> {
        if request.extensions().get::<Visitor>().is_none() {
            request.extensions_mut().insert(Visitor {
                addr: Some("203.0.113.9".into()),
                secure: false,
                host: Some("shop.example".into()),
            });
        }
        run(app.handle(self, request))
    }
}

impl Platform for Fake {
    type Body = FakeBody;
    type Pending = Result<Response<FakeBody>, FetchError>;

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities.get()
    }

    fn now_ms(&self) -> u64 {
        self.0.now_ms.get()
    }

    fn random(&self) -> u64 {
        let next = self
            .0
            .random
            .get()
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0.random.set(next);
        next
    }

    fn start(&self, service: Service, request: Request<Payload<FakeBody>>) -> Self::Pending {
        let (parts, payload) = request.into_parts();
        let body = match payload {
            Payload::Empty => Bytes::new(),
            Payload::Full(bytes) => bytes,
            Payload::Stream(body) => run(read(body)).0.into(),
        };
        let seen = Seen {
            service,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
        };
        self.0.seen.borrow_mut().push(seen.clone());
        (self.0.script.borrow_mut())(&seen)
    }

    async fn head(&self, pending: Self::Pending) -> Result<Response<FakeBody>, FetchError> {
        pending
    }

    async fn head_within(
        &self,
        pending: Self::Pending,
        ms: u32,
    ) -> Result<Result<Response<FakeBody>, FetchError>, Self::Pending> {
        if self.0.slow.get() {
            self.pass_ms(u64::from(ms));
            return Err(pending);
        }
        Ok(pending)
    }

    async fn cache_get(&self, key: &str) -> Option<Vec<u8>> {
        if self.0.cache_broken.get() {
            return None;
        }
        self.0.cache.borrow().get(key).cloned()
    }

    async fn cache_put(&self, key: &str, value: Vec<u8>) {
        if !self.0.cache_broken.get() {
            self.0.cache.borrow_mut().insert(key.to_owned(), value);
        }
    }

    async fn cache_remove(&self, key: &str) {
        self.0.cache.borrow_mut().remove(key);
    }

    fn monotonic_us(&self) -> u64 {
        self.0.micros.set(self.0.micros.get() + 1);
        self.0.micros.get()
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.state.borrow().get(key).cloned()
    }

    async fn state_put(&self, key: &str, value: Vec<u8>) {
        self.0.state.borrow_mut().insert(key.to_owned(), value);
    }

    fn early_hints(&self, links: &[HeaderValue]) {
        self.0.hints.borrow_mut().extend_from_slice(links);
    }

    fn record(&self, line: &str) {
        self.0.lines.borrow_mut().push(line.to_owned());
    }

    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.0.spawned.borrow_mut().push_back(Box::pin(work));
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Whole {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as far as it came.
    pub body: Vec<u8>,
    /// Whether it broke off.
    pub broken: Option<String>,
}

impl Whole {
    fn of(answer: Answer<Fake>) -> Self {
        let (parts, mut body) = answer.into_parts();
        let mut bytes = Vec::new();
        let broken = loop {
            match run(body.chunk()) {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        Self {
            status: parts.status,
            headers: parts.headers,
            body: bytes,
            broken,
        }
    }

    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Runs a future that needs nothing but itself.
///
/// # Panics
/// When it waits for something that cannot happen any more.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    match poll_once(&mut std::pin::pin!(future)) {
        Poll::Ready(output) => output,
        #[allow(clippy::panic, reason = "a test that would hang fails instead")]
        Poll::Pending => panic!("the future waits for what nobody will do"),
    }
}

/// Polls a future once: is it ready, or does it wait?
pub fn poll_once<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

/// Reads a body to its end, or to where it breaks off.
pub async fn read(mut body: impl Body) -> (Vec<u8>, Option<BodyError>) {
    let mut bytes = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => return (bytes, None),
            Err(error) => return (bytes, Some(error)),
        }
    }
}
