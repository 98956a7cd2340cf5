//! The circuit breaker: a shop that keeps failing is left alone for a while, then probed by one request.
//!
//! ```text
//! closed ── failures in a row ──> open ── time passes ──> half-open ── probe succeeds ──> closed
//!                                   ^                          └───── probe fails ─────────┘ (twice as long)
//! ```
//!
//! The state is a note that all instances share; each keeps a copy for [`COPY_MS`]. A lost or stale note
//! costs a few more requests to a shop that is down, never a request to a shop that is up.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::platform::Platform;

/// How long an instance believes its copy: a closed circuit costs one read a second.
const COPY_MS: u64 = 1_000;
/// Longest time open, however often probes failed.
const OPEN_MAX_MS: u64 = 60_000;
/// Longest life of a probe's claim, for a probe whose instance died.
const PROBE_MS: u64 = 30_000;

/// One circuit: a kind of request to the origin.
#[derive(Debug)]
pub(crate) struct Breaker {
    name: &'static str,
    /// The note's key holds a digest of the origin's address: another origin starts with a closed circuit.
    key: String,
    failures_to_open: u32,
    open_ms: u64,
    copy: RefCell<Option<Copied>>,
}

#[derive(Debug, Clone)]
struct Copied {
    state: State,
    at_ms: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Failures in a row.
    failures: u32,
    /// 0: closed. Otherwise open until then, half-open after.
    open_until_ms: u64,
    /// How often in a row a probe failed.
    relapses: u32,
}

/// Whether a request may go to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Closed: go.
    Through,
    /// Half-open: go, and decide for all.
    Probe,
    /// Open: come back later.
    Refused {
        /// When a probe may succeed at the earliest.
        wait_ms: u64,
    },
}

/// What an answer says about the origin's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It works.
    Healthy,
    /// It does not.
    Failing,
    /// An error of its own making on this one URL: neither counts nor clears.
    Unclear,
}

impl Breaker {
    pub(crate) fn new(
        name: &'static str,
        origin: &str,
        failures_to_open: u32,
        open_ms: u32,
    ) -> Self {
        Self {
            name,
            key: format!("breaker:{name}:{origin}"),
            failures_to_open: failures_to_open.max(1),
            open_ms: u64::from(open_ms),
            copy: RefCell::default(),
        }
    }

    /// Asks to send a request. Only safe ones probe: a payment is not what finds out whether the shop works.
    pub(crate) async fn admit<P: Platform>(&self, platform: &P, safe: bool) -> Admission {
        let now = platform.now_ms();
        let state = self.state(platform, now).await;
        if state.open_until_ms == 0 {
            return Admission::Through;
        }
        if now < state.open_until_ms {
            return Admission::Refused {
                wait_ms: state.open_until_ms - now,
            };
        }
        if safe && self.claim_probe(platform, now).await {
            return Admission::Probe;
        }
        Admission::Refused { wait_ms: COPY_MS }
    }

    /// Says how it went.
    pub(crate) async fn report<P: Platform>(
        &self,
        platform: &P,
        admission: Admission,
        verdict: Verdict,
    ) {
        match (admission, verdict) {
            (Admission::Refused { .. }, _) | (Admission::Through, Verdict::Unclear) => {}
            (Admission::Through, Verdict::Healthy) => self.clear(platform).await,
            (Admission::Through, Verdict::Failing) => self.count(platform).await,
            // An origin that answers a probe with an error page of its own is there again.
            (Admission::Probe, Verdict::Healthy | Verdict::Unclear) => self.close(platform).await,
            (Admission::Probe, Verdict::Failing) => self.reopen(platform).await,
        }
    }

    /// The state's name, for `/_v/adapter/ready`.
    pub(crate) async fn describe<P: Platform>(&self, platform: &P) -> &'static str {
        let now = platform.now_ms();
        match self.state(platform, now).await.open_until_ms {
            0 => "closed",
            until if now < until => "open",
            _ => "half_open",
        }
    }

    async fn state<P: Platform>(&self, platform: &P, now: u64) -> State {
        let copied = self.copy.borrow().clone();
        match copied {
            Some(copied) if now.saturating_sub(copied.at_ms) < COPY_MS => copied.state,
            _ => self.refresh(platform, now).await,
        }
    }

    async fn refresh<P: Platform>(&self, platform: &P, now: u64) -> State {
        let note = platform.note(&self.key).await;
        let state: State = note
            .and_then(|note| serde_json::from_slice(&note).ok())
            .unwrap_or_default();
        *self.copy.borrow_mut() = Some(Copied {
            state: state.clone(),
            at_ms: now,
        });
        state
    }

    async fn write<P: Platform>(&self, platform: &P, state: State) {
        let note = serde_json::to_vec(&state).unwrap_or_default();
        *self.copy.borrow_mut() = Some(Copied {
            state,
            at_ms: platform.now_ms(),
        });
        platform.take_note(&self.key, note).await;
    }

    async fn clear<P: Platform>(&self, platform: &P) {
        let state = self.state(platform, platform.now_ms()).await;
        // A success that began before the circuit opened says nothing about now.
        if state.open_until_ms == 0 && state.failures > 0 {
            self.write(platform, State::default()).await;
        }
    }

    async fn count<P: Platform>(&self, platform: &P) {
        let now = platform.now_ms();
        let mut state = self.refresh(platform, now).await;
        if state.open_until_ms != 0 {
            return;
        }
        state.failures += 1;
        if state.failures >= self.failures_to_open {
            state.open_until_ms = now + self.open_ms;
            self.tell(platform, "opened", &state);
        }
        self.write(platform, state).await;
    }

    async fn close<P: Platform>(&self, platform: &P) {
        self.write(platform, State::default()).await;
        self.release_probe(platform).await;
        self.tell(platform, "closed", &State::default());
    }

    async fn reopen<P: Platform>(&self, platform: &P) {
        let now = platform.now_ms();
        let mut state = self.refresh(platform, now).await;
        state.relapses = state.relapses.saturating_add(1);
        let open_ms = self
            .open_ms
            .saturating_mul(1 << state.relapses.min(16))
            .min(OPEN_MAX_MS.max(self.open_ms));
        state.open_until_ms = now + open_ms;
        self.tell(platform, "reopened", &state);
        self.write(platform, state).await;
        self.release_probe(platform).await;
    }

    async fn claim_probe<P: Platform>(&self, platform: &P, now: u64) -> bool {
        // A store that fails lets every instance probe: better than a shop that stays shut.
        platform
            .insert(&self.probe_key(), b"1", now + PROBE_MS)
            .await
            .unwrap_or(true)
    }

    async fn release_probe<P: Platform>(&self, platform: &P) {
        let _ = platform.remove(&self.probe_key(), b"1").await;
    }

    fn probe_key(&self) -> String {
        format!("probe:{}", self.key)
    }

    fn tell<P: Platform>(&self, platform: &P, event: &str, state: &State) {
        let now = platform.now_ms();
        let line = serde_json::json!({
            "at": now,
            "component": "origin-adapter",
            "event": format!("breaker_{event}"),
            "breaker": self.name,
            "failures": state.failures,
            "open_ms": state.open_until_ms.saturating_sub(now),
        });
        platform.record(&line.to_string());
    }
}
