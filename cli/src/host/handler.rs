//! How instances live: when one takes a request, how long it may take, and when it ends.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wasmtime::component::GuestTaskId;
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};

use super::guest::{Blueprint, Guest};
use super::limits::Limits;

/// Makes instances of one component.
#[derive(Clone)]
pub(crate) struct Pool {
    pub(crate) engine: Engine,
    pub(crate) pre: Arc<ProxyPre<Guest>>,
    pub(crate) blueprint: Arc<Blueprint>,
}

impl HandlerState for Pool {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let limits = self.blueprint.limits;
        let mut store = Store::new(&self.engine, Guest::new(Arc::clone(&self.blueprint))?);
        store.limiter(|guest| &mut guest.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let proxy = tokio::time::timeout(limits.request, self.pre.instantiate_async(&mut store))
            .await
            .map_err(|_| {
                wasmtime::format_err!("instantiation took longer than {:?}", limits.request)
            })??;
        let health = Arc::new(Health::default());
        self.blueprint.metrics.instance_started();
        Ok(Instance {
            store,
            proxy,
            view: Guest::http,
            expiration: Expiration {
                limits,
                health: Arc::clone(&health),
                sleep: Box::pin(tokio::time::sleep(limits.idle)),
            },
            state: Worker {
                limits,
                health,
                blueprint: Arc::clone(&self.blueprint),
            },
        })
    }
}

/// What became of an instance, shared with the bodies that it produces.
pub(crate) struct Health {
    fate: AtomicU8,
    /// When a byte of a body last moved, in milliseconds since `born`.
    touched: AtomicU64,
    born: Instant,
}

/// How an instance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It lives, or it ended in order.
    Sound,
    /// It used up its time.
    TimedOut,
    /// It trapped, or the host gave it up.
    Trapped,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            fate: AtomicU8::new(0),
            touched: AtomicU64::new(0),
            born: Instant::now(),
        }
    }
}

impl Health {
    /// Notes that a byte moved.
    pub(crate) fn touch(&self) {
        let now = self.born.elapsed().as_millis() as u64;
        self.touched.store(now, Ordering::Relaxed);
    }

    fn last_touched(&self) -> Instant {
        self.born + Duration::from_millis(self.touched.load(Ordering::Relaxed))
    }

    fn end(&self, fate: Fate) {
        // The first cause stands: a timeout shows up as a failed worker too.
        let _ = self
            .fate
            .compare_exchange(0, fate as u8, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(crate) fn fate(&self) -> Fate {
        match self.fate.load(Ordering::Acquire) {
            1 => Fate::TimedOut,
            2 => Fate::Trapped,
            _ => Fate::Sound,
        }
    }
}

/// Tells the caller of a request which instance took it.
pub(crate) type Ticket = Arc<OnceLock<Arc<Health>>>;

/// Ends an instance that has been idle, or busy, for too long.
pub(crate) struct Expiration {
    limits: Limits,
    health: Arc<Health>,
    sleep: Pin<Box<tokio::time::Sleep>>,
}

/// The limit on a single request fires first wherever it can, as it names the request.
const GRACE: Duration = Duration::from_millis(100);

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        loop {
            let deadline = match status {
                WorkerStatus::Idle => start + self.limits.idle,
                WorkerStatus::Requests => start + self.limits.request + GRACE,
                WorkerStatus::PostReturn => {
                    start.max(self.health.last_touched()) + self.limits.after_response
                }
            }
            .into();
            if self.sleep.deadline() != deadline {
                self.sleep.as_mut().reset(deadline);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // A body may have moved on while the clock ran.
            if status == WorkerStatus::PostReturn
                && self.health.last_touched() + self.limits.after_response > Instant::now()
            {
                continue;
            }
            if status != WorkerStatus::Idle {
                self.health.end(Fate::TimedOut);
            }
            return Poll::Ready(());
        }
    }
}

/// The life of one instance.
pub(crate) struct Worker {
    limits: Limits,
    health: Arc<Health>,
    blueprint: Arc<Blueprint>,
}

impl Worker {
    fn report(&self, error: &wasmtime::Error) {
        let fate = self.health.fate();
        self.blueprint.metrics.instance_failed(fate);
        let what = if fate == Fate::TimedOut {
            "time limit"
        } else {
            "trap"
        };
        let log = &self.blueprint.shared.log;
        log.problem(&self.blueprint.name, what, &format!("{error:#}"));
    }
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Ticket;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.limits.reuse {
            ShouldAccept::Never
        } else if concurrent >= self.limits.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        ticket: Ticket,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        // Taken once, by the instance that serves the request.
        let _ = ticket.set(Arc::clone(&self.health));
        Box::pin(tokio::time::sleep(self.limits.request))
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            // Before the store goes, and with it the writing ends of its bodies.
            self.health.end(Fate::Trapped);
            if !self.blueprint.shared.is_stopping() {
                self.report(&error);
            }
        }
        self.blueprint.metrics.instance_ended();
        drop(store);
    }
}
