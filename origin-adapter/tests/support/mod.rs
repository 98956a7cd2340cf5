//! A host made of plain values: a clock that moves only when everybody waits, an origin that does what a
//! test says, and stores in memory.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod carts;
pub(crate) mod evershop;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use vitrine_origin_adapter::platform::{
    Body, BodyError, Deadlines, Payload, Platform, SendError, StoreError,
};
use vitrine_origin_adapter::settings::Settings;
use vitrine_origin_adapter::{Adapter, Visitor};

pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// A body of prepared pieces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pieces(pub(crate) std::collections::VecDeque<Result<Bytes, BodyError>>);

impl Pieces {
    pub(crate) fn of(text: &str) -> Self {
        Self([Ok(Bytes::copy_from_slice(text.as_bytes()))].into())
    }
}

impl Body for Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.0.pop_front().transpose()
    }
}

/// A request as it reached the origin.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at_ms: u64,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) deadlines: Deadlines,
}

/// What the origin does with one request.
pub(crate) struct Reply {
    pub(crate) after_ms: u64,
    /// Done when the time has passed, whether or not anyone still waits for the answer.
    pub(crate) effect: Option<Effect>,
    pub(crate) outcome: Result<Response<Pieces>, SendError>,
}

pub(crate) type Effect = Box<dyn FnOnce()>;
pub(crate) type Origin = Rc<dyn Fn(&Sent) -> Reply>;

#[derive(Default)]
pub(crate) struct World {
    now_ms: Cell<u64>,
    random: Cell<u64>,
    timers: RefCell<BTreeSet<u64>>,
    effects: RefCell<Vec<(u64, Effect)>>,
    pub(crate) sent: RefCell<Vec<Sent>>,
    pub(crate) notes: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) note_reads: Cell<u32>,
    pub(crate) records: RefCell<BTreeMap<String, (Vec<u8>, u64)>>,
    pub(crate) store_fails: Cell<bool>,
    pub(crate) lines: RefCell<Vec<String>>,
    origin: RefCell<Option<Origin>>,
}

#[derive(Clone)]
pub(crate) struct Host(pub(crate) Rc<World>);

impl Host {
    pub(crate) fn new(origin: impl Fn(&Sent) -> Reply + 'static) -> Self {
        let world = World::default();
        world.now_ms.set(START_MS);
        *world.origin.borrow_mut() = Some(Rc::new(origin));
        Self(Rc::new(world))
    }

    /// An origin that answers one thing after another.
    pub(crate) fn scripted(replies: Vec<Reply>) -> Self {
        let replies = RefCell::new(std::collections::VecDeque::from(replies));
        Self::new(move |sent| {
            replies
                .borrow_mut()
                .pop_front()
                .unwrap_or_else(|| panic!("unexpected {} {}", sent.method, sent.uri))
        })
    }

    pub(crate) fn set_origin(&self, origin: impl Fn(&Sent) -> Reply + 'static) {
        *self.0.origin.borrow_mut() = Some(Rc::new(origin));
    }

    pub(crate) fn sent(&self) -> usize {
        self.0.sent.borrow().len()
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.run(self.sleep(Duration::from_millis(ms)));
    }

    pub(crate) fn lines(&self) -> String {
        self.0.lines.borrow().join("\n")
    }

    /// Runs a future; the clock moves on whenever everything waits.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            let next = self.0.timers.borrow_mut().pop_first();
            self.move_to(next.expect("something should happen at some time"));
        }
    }

    fn move_to(&self, ms: u64) {
        self.0.now_ms.set(ms.max(self.0.now_ms.get()));
        let due: Vec<_> = {
            let mut effects = self.0.effects.borrow_mut();
            let now = self.0.now_ms.get();
            let (due, later) = effects.drain(..).partition(|(at, _)| *at <= now);
            *effects = later;
            due
        };
        for (_, effect) in due {
            effect();
        }
    }

    async fn store(&self) -> Result<(), StoreError> {
        Turn {
            world: Rc::clone(&self.0),
            taken: false,
        }
        .await;
        if self.0.store_fails.get() {
            Err(StoreError("disk full".into()))
        } else {
            Ok(())
        }
    }
}

struct Sleep {
    world: Rc<World>,
    until_ms: u64,
}

/// A store takes a moment, in which others get their turn.
struct Turn {
    world: Rc<World>,
    taken: bool,
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.taken {
            return Poll::Ready(());
        }
        self.taken = true;
        let now = self.world.now_ms.get();
        self.world.timers.borrow_mut().insert(now);
        Poll::Pending
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.world.now_ms.get() >= self.until_ms {
            return Poll::Ready(());
        }
        self.world.timers.borrow_mut().insert(self.until_ms);
        Poll::Pending
    }
}

impl Platform for Host {
    type Body = Pieces;

    fn now_ms(&self) -> u64 {
        self.0.now_ms.get()
    }

    fn random(&self) -> u64 {
        let next = self
            .0
            .random
            .get()
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0.random.set(next);
        next >> 16
    }

    async fn sleep(&self, time: Duration) {
        let until_ms = self.now_ms() + u64::try_from(time.as_millis()).unwrap();
        Sleep {
            world: Rc::clone(&self.0),
            until_ms,
        }
        .await;
    }

    async fn send(
        &self,
        request: Request<Payload<Pieces>>,
        deadlines: Deadlines,
    ) -> Result<Response<Pieces>, SendError> {
        let (head, payload) = request.into_parts();
        let body = match payload {
            Payload::Empty => String::new(),
            Payload::Full(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Payload::Stream(mut pieces) => {
                let mut whole = Vec::new();
                while let Some(piece) = pieces.chunk().await.unwrap() {
                    whole.extend_from_slice(&piece);
                }
                String::from_utf8(whole).unwrap()
            }
        };
        let sent = Sent {
            at_ms: self.now_ms(),
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            body,
            deadlines,
        };
        let origin = self.0.origin.borrow().clone().unwrap();
        self.0.sent.borrow_mut().push(sent.clone());
        let reply = origin(&sent);
        if let Some(effect) = reply.effect {
            let at = self.now_ms() + reply.after_ms;
            self.0.timers.borrow_mut().insert(at);
            self.0.effects.borrow_mut().push((at, effect));
        }
        self.sleep(Duration::from_millis(reply.after_ms)).await;
        reply.outcome
    }

    async fn note(&self, key: &str) -> Option<Vec<u8>> {
        self.0.note_reads.set(self.0.note_reads.get() + 1);
        self.0.notes.borrow().get(key).cloned()
    }

    async fn take_note(&self, key: &str, value: Vec<u8>) {
        self.0.notes.borrow_mut().insert(key.to_owned(), value);
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store().await?;
        let records = self.0.records.borrow();
        Ok(records
            .get(key)
            .filter(|(_, expires)| *expires > self.now_ms())
            .map(|(value, _)| value.clone()))
    }

    async fn insert(&self, key: &str, value: &[u8], expires_ms: u64) -> Result<bool, StoreError> {
        self.store().await?;
        let mut records = self.0.records.borrow_mut();
        if records
            .get(key)
            .is_some_and(|(_, expires)| *expires > self.now_ms())
        {
            return Ok(false);
        }
        records.insert(key.to_owned(), (value.to_vec(), expires_ms));
        Ok(true)
    }

    async fn swap(
        &self,
        key: &str,
        old: &[u8],
        new: &[u8],
        expires_ms: u64,
    ) -> Result<bool, StoreError> {
        self.store().await?;
        let mut records = self.0.records.borrow_mut();
        match records.get_mut(key) {
            Some(record) if record.0 == old => {
                *record = (new.to_vec(), expires_ms);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn remove(&self, key: &str, old: &[u8]) -> Result<(), StoreError> {
        self.store().await?;
        let mut records = self.0.records.borrow_mut();
        if records.get(key).is_some_and(|(value, _)| value == old) {
            records.remove(key);
        }
        Ok(())
    }

    fn record(&self, line: &str) {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert!(!line.contains('\n'));
        self.0.lines.borrow_mut().push(line.to_owned());
    }
}

pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut response = Response::new(Pieces::of(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        response.headers_mut().append(name, value.parse().unwrap());
    }
    Reply {
        after_ms: 5,
        effect: None,
        outcome: Ok(response),
    }
}

pub(crate) fn ok() -> Reply {
    reply(200, &[], "page")
}

pub(crate) fn fails(error: SendError) -> Reply {
    Reply {
        after_ms: 5,
        effect: None,
        outcome: Err(error),
    }
}

pub(crate) fn refused() -> Reply {
    fails(SendError::NoConnection("refused".into()))
}

pub(crate) fn broken() -> Reply {
    fails(SendError::Broken("reset".into()))
}

pub(crate) fn after(ms: u64, mut reply: Reply) -> Reply {
    reply.after_ms = ms;
    reply
}

pub(crate) fn adapter(change: impl FnOnce(&mut Settings)) -> Adapter {
    let mut settings = Settings {
        url: "http://shop.test".into(),
        ..Settings::default()
    };
    change(&mut settings);
    Adapter::new(settings).unwrap()
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Request<Payload<Pieces>> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Payload::Stream(Pieces::default())).unwrap()
}

pub(crate) fn with_body(
    mut request: Request<Payload<Pieces>>,
    body: &str,
) -> Request<Payload<Pieces>> {
    request
        .headers_mut()
        .insert("content-length", body.len().into());
    *request.body_mut() = Payload::Stream(Pieces::of(body));
    request
}

pub(crate) fn visitor() -> Visitor {
    Visitor {
        client: "192.0.2.7".into(),
        scheme: "https".into(),
        authority: "shop.example".into(),
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<String, BodyError>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        self.body.as_deref().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.text()).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) async fn ask(
    adapter: &Adapter,
    host: &Host,
    request: Request<Payload<Pieces>>,
) -> Answer {
    let (head, payload) = adapter.handle(host, &visitor(), request).await.into_parts();
    let body = match payload {
        Payload::Empty => Ok(String::new()),
        Payload::Full(bytes) => Ok(String::from_utf8(bytes.to_vec()).unwrap()),
        Payload::Stream(mut pieces) => loop_over(&mut pieces).await,
    };
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    }
}

async fn loop_over(pieces: &mut Pieces) -> Result<String, BodyError> {
    let mut whole = Vec::new();
    while let Some(piece) = pieces.chunk().await? {
        whole.extend_from_slice(&piece);
    }
    Ok(String::from_utf8(whole).unwrap())
}

/// Asks and waits.
pub(crate) fn get(adapter: &Adapter, host: &Host, path: &str) -> Answer {
    host.run(ask(
        adapter,
        host,
        request("GET", path, &[("accept", "text/html")]),
    ))
}
