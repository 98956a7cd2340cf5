//! The port on Fastly Compute.

use std::cell::RefCell;
use std::future::Future;
use std::io::{Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fastly::cache::core::{self, CacheKey};
use fastly::kv_store::KVStore;
use http::{Request, Response};
use vitrine_edge::platform::{Capabilities, FetchError, Payload, Platform, Service};

use crate::body::Incoming;

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// How long the host keeps a cache entry at most; the entry itself says how long it is fresh.
const CACHE_KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

/// Name of the KV store of what was learned about templates.
const LEARNED: &str = "vitrine-learned";

#[derive(Clone, Default)]
pub(crate) struct Fastly {
    after: Rc<RefCell<Vec<Work>>>,
}

impl Fastly {
    /// Runs what was spawned, now that the response is handed over.
    pub(crate) fn run_after(&self) {
        loop {
            let work = std::mem::take(&mut *self.after.borrow_mut());
            if work.is_empty() {
                return;
            }
            for work in work {
                crate::runtime::block_on(work);
            }
        }
    }
}

impl Platform for Fastly {
    type Body = Incoming;
    type Pending = Pin<Box<dyn Future<Output = Result<Response<Incoming>, FetchError>>>>;

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "fastly",
            after_response: true,
            concurrent_fetch: false,
            shared_cache: true,
            early_hints: true,
            pauses_visible: false,
            deadlines: false,
        }
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }

    fn monotonic_us(&self) -> u64 {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        BEGAN.get_or_init(Instant::now).elapsed().as_micros() as u64
    }

    fn random(&self) -> u64 {
        random()
    }

    fn start(&self, service: Service, request: Request<Payload<Incoming>>) -> Self::Pending {
        match service {
            Service::Origin => Box::pin(crate::siblings::origin(request)),
            Service::Optimizer => Box::pin(crate::siblings::optimizer(request)),
        }
    }

    async fn head(&self, pending: Self::Pending) -> Result<Response<Incoming>, FetchError> {
        pending.await
    }

    async fn cache_get(&self, key: &str) -> Option<Vec<u8>> {
        let found = core::lookup(cache_key(key)).execute().ok()??;
        let mut value = Vec::new();
        found.to_stream().ok()?.read_to_end(&mut value).ok()?;
        Some(value)
    }

    async fn cache_put(&self, key: &str, value: Vec<u8>) {
        let surrogate = surrogate_key(key);
        let insert = core::insert(cache_key(key), CACHE_KEEP)
            .surrogate_keys([surrogate.as_str()])
            .known_length(value.len() as u64);
        // A cache may always be empty: what cannot be written is fetched again.
        if let Ok(mut body) = insert.execute() {
            if body.write_all(&value).is_ok() {
                let _ = body.finish();
            } else {
                let _ = body.abandon();
            }
        }
    }

    async fn cache_remove(&self, key: &str) {
        let _ = fastly::http::purge::purge_surrogate_key(&surrogate_key(key));
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        let mut found = KVStore::open(LEARNED).ok()??.lookup(key).ok()?;
        Some(found.take_body_bytes())
    }

    async fn state_put(&self, key: &str, value: Vec<u8>) {
        if let Ok(Some(store)) = KVStore::open(LEARNED) {
            let _ = store.insert(key, value);
        }
    }

    fn early_hints(&self, links: &[http::HeaderValue]) {
        let mut response = fastly::Response::from_status(http::StatusCode::EARLY_HINTS);
        for link in links {
            response.append_header(http::header::LINK, link);
        }
        response.send_to_client();
    }

    fn record(&self, line: &str) {
        println!("{line}");
    }

    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.after.borrow_mut().push(Box::pin(work));
    }
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

/// 64 bits from the host's `random_get`.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        return now_ms();
    }
    u64::from_le_bytes(bytes)
}

fn cache_key(key: &str) -> CacheKey {
    CacheKey::copy_from_slice(key.as_bytes())
}

/// Surrogate keys hold no spaces; ours are digests and short words already.
fn surrogate_key(key: &str) -> String {
    key.replace(|c: char| !c.is_ascii_graphic(), "_")
}
