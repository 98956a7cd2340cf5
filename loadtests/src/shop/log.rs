//! What came in: the last requests, with what the layer in front said about the visitor.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::Request;
use serde::Serialize;

/// Requests kept for `GET /__demo/log`.
const KEPT: usize = 2_000;

/// One request, as the log keeps and prints it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    number: u64,
    at_ms: f64,
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_forwarded_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_forwarded_proto: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x_forwarded_host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept_encoding: Option<String>,
    /// When the pieces of a troubled body were handed to the connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sent_ms: Vec<f64>,
}

impl Entry {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let header = |name: &str| {
            let value = request.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        Self {
            number: 0,
            at_ms: now_ms(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            x_forwarded_for: header("x-forwarded-for"),
            x_forwarded_proto: header("x-forwarded-proto"),
            x_forwarded_host: header("x-forwarded-host"),
            via: header("via"),
            accept_encoding: header("accept-encoding"),
            sent_ms: Vec::new(),
        }
    }
}

/// The log, and whether it is printed as it grows.
pub(crate) struct Log {
    print: bool,
    inner: Mutex<(u64, VecDeque<Entry>)>,
}

impl Log {
    pub(crate) fn new(print: bool) -> Self {
        Self {
            print,
            inner: Mutex::default(),
        }
    }

    /// Keeps an entry and gives it a number.
    pub(crate) fn open(&self, mut entry: Entry) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 += 1;
        entry.number = inner.0;
        if self.print {
            let line = serde_json::to_string(&entry).unwrap_or_default();
            let _ = writeln!(std::io::stdout(), "{line}");
        }
        if inner.1.len() == KEPT {
            inner.1.pop_front();
        }
        inner.1.push_back(entry);
        inner.0
    }

    /// Notes that a piece of a body leaves now.
    pub(crate) fn sent(&self, number: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = inner
            .1
            .iter_mut()
            .rev()
            .find(|entry| entry.number == number)
        {
            entry.sent_ms.push(now_ms());
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .iter()
            .cloned()
            .collect()
    }
}

/// Milliseconds since the Unix epoch, with the microseconds that latency tests need.
pub(crate) fn now_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64() * 1e3)
}
