//! A component that can be called: on the threads for I/O, or in a bounded queue on those for CPU-heavy work.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::handler::{
    ExpirationError, InstantiationError, ProxyHandler, TrapOrPanicError,
};
use wasmtime_wasi_http::{Error, WasiBody};

use super::guest::Blueprint;
use super::handler::{Fate, Health, Pool, Ticket};
use super::limits;

/// A loaded component.
pub(crate) struct Service {
    pub(crate) blueprint: Arc<Blueprint>,
    lane: Lane,
    /// Where work of a CPU-heavy component goes that nobody waits for: a visitor's request never stands behind it.
    background: Option<Lane>,
}

/// Instances of a component, and who may run them.
struct Lane {
    handler: ProxyHandler<Pool>,
    cpu: Option<CpuQueue>,
}

impl Lane {
    fn new(pool: Pool, cpu: Option<CpuQueue>) -> Self {
        Self {
            handler: ProxyHandler::new(pool),
            cpu,
        }
    }
}

/// The urgency of work that nobody waits for (RFC 9218, 4.1: "background tasks").
const BACKGROUND: &str = "u=7";

fn is_background(request: &Request<WasiBody>) -> bool {
    request
        .headers()
        .get("priority")
        .is_some_and(|priority| priority == BACKGROUND)
}

/// The threads for CPU-heavy work and who waits for them.
pub(crate) struct CpuQueue {
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) threads: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl CpuQueue {
    pub(crate) fn new(runtime: tokio::runtime::Handle, threads: Arc<Semaphore>) -> Self {
        Self {
            runtime,
            threads,
            waiting: AtomicUsize::new(0),
        }
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(permit) = Arc::clone(&self.threads).try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Waiting::join(&self.waiting)?;
        let turn = Arc::clone(&self.threads).acquire_owned();
        match tokio::time::timeout(limits::CPU_WAIT, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Failure::Busy),
        }
    }
}

/// A place in the queue, given up when the caller goes away too.
struct Waiting<'q>(&'q AtomicUsize);

impl<'q> Waiting<'q> {
    fn join(count: &'q AtomicUsize) -> Result<Self, Failure> {
        let place = Self(count);
        if count.fetch_add(1, Ordering::AcqRel) >= limits::CPU_QUEUE {
            return Err(Failure::Busy);
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Why a component has no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Too many wait for it already.
    Busy,
    /// No response head within the time limit.
    TimedOut,
    /// It trapped: a bug, or out of memory.
    Trapped,
    /// There was no room for an instance, or it could not be started.
    NotStarted(String),
    /// The component itself answered with an error.
    Refused(String),
}

impl Failure {
    /// One word for headers, logs and metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::TimedOut => "timeout",
            Self::Trapped => "trap",
            Self::NotStarted(_) => "not-started",
            Self::Refused(_) => "error",
        }
    }
}

impl Service {
    /// A component on the threads for I/O.
    pub(crate) fn light(pool: Pool) -> Self {
        Self {
            blueprint: Arc::clone(&pool.blueprint),
            lane: Lane::new(pool, None),
            background: None,
        }
    }

    /// A component on threads of their own, and on others for what nobody waits for.
    pub(crate) fn heavy(pool: Pool, cpu: CpuQueue, background: CpuQueue) -> Self {
        Self {
            blueprint: Arc::clone(&pool.blueprint),
            lane: Lane::new(pool.clone(), Some(cpu)),
            background: Some(Lane::new(pool, Some(background))),
        }
    }

    /// Hands a request to an instance and waits for the response head.
    pub(crate) async fn call(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Failure> {
        let ticket: Ticket = Arc::new(OnceLock::new());
        let background = self.background.as_ref().filter(|_| is_background(&request));
        let Lane { handler, cpu } = background.unwrap_or(&self.lane);
        let (result, permit) = match cpu {
            None => (handler.handle(Arc::clone(&ticket), request).await, None),
            Some(queue) => {
                let permit = queue.enter().await?;
                let handler = handler.clone();
                let ours = Arc::clone(&ticket);
                let work = queue
                    .runtime
                    .spawn(async move { handler.handle(ours, request).await });
                let result = work.await.map_err(|_| Failure::Trapped)?;
                (result, Some(permit))
            }
        };
        let health = ticket.get().cloned();
        match result {
            Ok(response) => Ok(response.map(|body| {
                Guarded {
                    left: body.size_hint().exact(),
                    inner: body,
                    health,
                    _permit: permit,
                }
                .boxed_unsync()
            })),
            Err(error) => Err(failure(&error, health.as_deref())),
        }
    }
}

fn failure(error: &wasmtime::Error, health: Option<&Health>) -> Failure {
    if error.is::<ExpirationError>() {
        return Failure::TimedOut;
    }
    if let Some(error) = error.downcast_ref::<InstantiationError<Ticket>>() {
        return Failure::NotStarted(format!("{:#}", error.error));
    }
    if error.is::<TrapOrPanicError>() || error.is::<wasmtime::Trap>() {
        return match health.map(Health::fate) {
            Some(Fate::TimedOut) => Failure::TimedOut,
            _ => Failure::Trapped,
        };
    }
    match error.downcast_ref::<wasmtime_wasi_http::p3::bindings::http::types::ErrorCode>() {
        Some(code) => Failure::Refused(format!("{code:?}")),
        None => Failure::Trapped,
    }
}

/// A body that ends in an error when its instance did: what was sent so far is not the whole.
struct Guarded {
    inner: WasiBody,
    /// Bytes still to come, where the length is known.
    left: Option<u64>,
    health: Option<Arc<Health>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Guarded {
    fn broken(&self) -> bool {
        self.left != Some(0)
            && self
                .health
                .as_ref()
                .is_some_and(|h| h.fate() != Fate::Sound)
    }
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let poll = Pin::new(&mut self.inner).poll_frame(cx);
        match &poll {
            Poll::Ready(None) if self.broken() => {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(health) = &self.health {
                    health.touch();
                }
                if let (Some(left), Some(data)) = (self.left, frame.data_ref()) {
                    self.left = Some(left.saturating_sub(data.len() as u64));
                }
            }
            _ => {}
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream() && !self.broken()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
