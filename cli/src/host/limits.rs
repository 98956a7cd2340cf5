//! The limits of every component and of the host itself, in one place.

use std::time::Duration;

/// What one component may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Linear memory of one instance, in bytes.
    pub(crate) memory: usize,
    /// From a request's arrival at the component to its response head.
    pub(crate) request: Duration,
    /// From the response head on: the longest time without a byte of a body moving.
    pub(crate) after_response: Duration,
    /// How long an instance without work is kept.
    pub(crate) idle: Duration,
    /// Requests that one instance serves in its life. A leak in a guest is cut off here.
    pub(crate) reuse: usize,
    /// Requests that one instance serves at a time.
    pub(crate) concurrent: usize,
    /// Whether the component runs on the threads for CPU-heavy work, one request per thread.
    pub(crate) cpu_heavy: bool,
}

const MIB: usize = 1 << 20;

impl Limits {
    /// The defaults for a component of this name. `[component.NAME.tool.vitrine]` in the manifest overrides them.
    pub(crate) fn of(component: &str) -> Self {
        let common = Self {
            memory: 64 * MIB,
            request: Duration::from_secs(30),
            after_response: Duration::from_mins(1),
            idle: Duration::from_secs(30),
            reuse: 1024,
            concurrent: 16,
            cpu_heavy: false,
        };
        match component {
            // Few at a time: they share the memory, and a trap in one breaks the others.
            "edge" => Self {
                concurrent: 4,
                ..common
            },
            // Decoding 40 megapixels and encoding AVIF beside it.
            "optimizer" => Self {
                memory: 384 * MIB,
                request: Duration::from_mins(1),
                reuse: 64,
                concurrent: 1,
                cpu_heavy: true,
                ..common
            },
            _ => common,
        }
    }
}

/// Largest `memory` that a manifest may ask for: the pool reserves address space for it in every slot.
pub(crate) const MAX_MEMORY: usize = 1024 * MIB;

/// Longest `request` that a manifest may ask for.
pub(crate) const MAX_REQUEST: Duration = Duration::from_mins(10);

/// Component instances that exist at once, over all components.
pub(crate) const INSTANCES: u32 = 512;

/// Core instances, memories and tables that one component may consist of; a Rust component has under ten.
pub(crate) const CORE_INSTANCES_PER_COMPONENT: u32 = 24;

/// Requests in work at once; one more is answered 503 at once.
pub(crate) const REQUESTS: usize = 1024;

/// Open connections from clients.
pub(crate) const CONNECTIONS: usize = 4096;

/// Requests that wait for a CPU thread; one more is answered 503 at once.
pub(crate) const CPU_QUEUE: usize = 32;

/// How long a request waits for a CPU thread.
pub(crate) const CPU_WAIT: Duration = Duration::from_secs(30);

/// How often a busy guest gives way. Small against a human's 50 ms, large against the cost of a tick.
pub(crate) const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Head of a request: time to send it, and size.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(15);
pub(crate) const HEAD_BYTES: usize = 64 << 10;

/// A new connection without a request, and a TLS handshake, end after this.
pub(crate) const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// What is read of a request body that a component left unread, so that the client gets to read the answer.
pub(crate) const UNREAD_BYTES: usize = 64 << 20;
pub(crate) const UNREAD_TIME: Duration = Duration::from_secs(10);

/// How long a shutdown waits for requests in work.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// Outbound: used where the guest sets no timeout of its own.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
pub(crate) const FIRST_BYTE: Duration = Duration::from_mins(1);
pub(crate) const BETWEEN_BYTES: Duration = Duration::from_mins(1);

/// Idle connections kept for each upstream host, and for how long.
pub(crate) const POOL_IDLE: usize = 64;
pub(crate) const POOL_IDLE_TIME: Duration = Duration::from_secs(30);

/// Bytes that one host call may hand to a guest.
pub(crate) const HOST_RESULT: usize = 64 << 20;

/// Connections to one `SQLite` database that are open at once, and how long one waits for the other's lock.
pub(crate) const SQLITE_CONNECTIONS: usize = 16;
pub(crate) const SQLITE_BUSY: Duration = Duration::from_secs(5);
