//! Counters on their way to the store, and what is due when.

use std::collections::BTreeMap;

use crate::outcome::Outcome;
use crate::store::Tally;

const HOUR_MS: u64 = 3_600_000;
/// Counters are written at most this often: a storm of refused beacons must not become a storm of writes.
const WRITE_EVERY_MS: u64 = 1_000;
/// One line per reason in this time.
const LOG_EVERY_MS: u64 = 1_000;
/// Expired rows are deleted after so many accepted beacons …
const EXPIRE_AFTER: u32 = 100;
/// … or after this time.
const EXPIRE_EVERY_MS: u64 = 60_000;

/// What was counted and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    counts: BTreeMap<(u64, &'static str), u64>,
    written_ms: u64,
    lines: BTreeMap<&'static str, Line>,
    expired_ms: u64,
    accepted: u32,
}

#[derive(Debug, Default, Clone, Copy)]
struct Line {
    at_ms: u64,
    unsaid: u64,
}

impl Tallies {
    pub(crate) fn add(&mut self, outcome: Outcome, now_ms: u64) {
        *self
            .counts
            .entry((now_ms / HOUR_MS, outcome.name()))
            .or_default() += 1;
    }

    /// The counts to write now, if it is time. They are taken: give them back if they could not be written.
    pub(crate) fn due(&mut self, now_ms: u64) -> Option<Vec<Tally>> {
        if now_ms.abs_diff(self.written_ms) < WRITE_EVERY_MS {
            return None;
        }
        self.written_ms = now_ms;
        let counts = std::mem::take(&mut self.counts);
        let tally = |((hour, result), n)| Tally { hour, result, n };
        Some(counts.into_iter().map(tally).collect())
    }

    pub(crate) fn put_back(&mut self, tallies: Vec<Tally>) {
        // Bounded by the hours of an outage times the names there are.
        for Tally { hour, result, n } in tallies {
            *self.counts.entry((hour, result)).or_default() += n;
        }
    }

    /// The log line for an outcome: none for what went well, and one in a while for what recurs.
    pub(crate) fn line(&mut self, outcome: Outcome, now_ms: u64) -> Option<String> {
        if matches!(outcome, Outcome::Accepted | Outcome::Duplicate) {
            return None;
        }
        let line = self.lines.entry(outcome.name()).or_default();
        line.unsaid += 1;
        if now_ms.abs_diff(line.at_ms) < LOG_EVERY_MS {
            return None;
        }
        let n = std::mem::take(&mut line.unsaid);
        line.at_ms = now_ms;
        let line = serde_json::json!({
            "at": now_ms,
            "component": "rum-collector",
            "result": outcome.name(),
            "n": n,
        });
        Some(line.to_string())
    }

    /// Whether it is time to delete what is past its retention.
    pub(crate) fn expiry_due(&mut self, outcome: Outcome, now_ms: u64) -> bool {
        if outcome != Outcome::Accepted {
            return false;
        }
        self.accepted += 1;
        let due =
            self.accepted >= EXPIRE_AFTER || now_ms.abs_diff(self.expired_ms) >= EXPIRE_EVERY_MS;
        if due {
            self.accepted = 0;
            self.expired_ms = now_ms;
        }
        due
    }
}
