//! `Idempotency-Key`: a repeated addition has the effect and the answer of the first.
//!
//! A record is made before anything is sent, says what is about to be sent and from which quantity, and ends
//! up holding the answer. Whoever finds a record without an answer whose lease ran out knows what to look
//! for in the cart before sending again.

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::lock::unavailable;
use super::request::Addition;
use crate::adapter::digest;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::shops::Session;

/// Longer than one addition may take, its wait for the cart's lock included.
const LEASE_MS: u64 = 45_000;
/// How long an answer is kept: a day, and an hour for clocks.
const KEPT_MS: u64 = 25 * 3_600_000;

/// An answer that may be given again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    status: u16,
    body: String,
}

/// What was about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// How many of the item the cart held.
    pub(crate) before: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// Digest of what was asked.
    fingerprint: String,
    lease_ms: u64,
    attempt: Option<Attempt>,
    answer: Option<Stored>,
}

/// A claimed key.
#[derive(Debug)]
pub(crate) struct Claim {
    key: String,
    record: Record,
    bytes: Vec<u8>,
}

/// What a key leads to.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// Do it, looking first for what an interrupted attempt may have done.
    Mine(Claim),
    /// It was done.
    Answered(Stored),
}

impl Claim {
    /// Claims a key of one shopper for one addition.
    pub(crate) async fn open<P: Platform>(
        platform: &P,
        session: &Session,
        key: &str,
        addition: &Addition,
    ) -> Result<Claimed, Problem> {
        let now = platform.now_ms();
        let asked = serde_json::to_string(addition).unwrap_or_default();
        let record = Record {
            fingerprint: digest(&asked),
            lease_ms: now + LEASE_MS,
            attempt: None,
            answer: None,
        };
        let key = format!(
            "idempotency:{}",
            digest(&format!("{}\nPOST /_v/cart/items\n{key}", session.cookie))
        );
        let bytes = encode(&record);
        if platform
            .insert(&key, &bytes, now + KEPT_MS)
            .await
            .map_err(unavailable)?
        {
            return Ok(Claimed::Mine(Self { key, record, bytes }));
        }
        Self::take_over(platform, key, record).await
    }

    /// The key was used before.
    async fn take_over<P: Platform>(
        platform: &P,
        key: String,
        fresh: Record,
    ) -> Result<Claimed, Problem> {
        let found = platform.read(&key).await.map_err(unavailable)?;
        // Removed or expired in between: whoever held it is just finishing.
        let Some(bytes) = found else {
            return Err(in_flight());
        };
        let Ok(record) = serde_json::from_slice::<Record>(&bytes) else {
            return Err(in_flight());
        };
        if record.fingerprint != fresh.fingerprint {
            let text = "This Idempotency-Key was used for another request.";
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_conflict",
                text,
            ));
        }
        if let Some(answer) = record.answer {
            return Ok(Claimed::Answered(answer));
        }
        if platform.now_ms() < record.lease_ms {
            return Err(in_flight());
        }
        let mut claim = Self { key, record, bytes };
        claim.record.lease_ms = fresh.lease_ms;
        if claim.write(platform).await? {
            Ok(Claimed::Mine(claim))
        } else {
            Err(in_flight())
        }
    }

    /// What an interrupted attempt was about to send.
    pub(crate) fn attempt(&self) -> Option<Attempt> {
        self.record.attempt
    }

    /// Notes what is about to be sent. Nothing may be sent when this fails.
    pub(crate) async fn about_to_send<P: Platform>(
        &mut self,
        platform: &P,
        attempt: Attempt,
    ) -> Result<(), Problem> {
        self.record.attempt = Some(attempt);
        if self.write(platform).await? {
            Ok(())
        } else {
            Err(in_flight())
        }
    }

    /// Keeps the answer for whoever repeats the request.
    pub(crate) async fn answer<P: Platform>(
        mut self,
        platform: &P,
        status: StatusCode,
        body: &Bytes,
    ) {
        let body = String::from_utf8_lossy(body).into_owned();
        self.record.answer = Some(Stored {
            status: status.as_u16(),
            body,
        });
        // If it cannot be kept, the attempt that the record holds still prevents a second addition.
        let _ = self.write(platform).await;
    }

    /// Nothing was done: the key is free again.
    pub(crate) async fn give_up<P: Platform>(self, platform: &P) {
        let _ = platform.remove(&self.key, &self.bytes).await;
    }

    /// Nobody knows whether it was done: the next one with this key looks before it sends.
    pub(crate) async fn leave_open<P: Platform>(mut self, platform: &P) {
        self.record.lease_ms = platform.now_ms();
        let _ = self.write(platform).await;
    }

    async fn write<P: Platform>(&mut self, platform: &P) -> Result<bool, Problem> {
        let bytes = encode(&self.record);
        let expires = platform.now_ms() + KEPT_MS;
        let written = platform
            .swap(&self.key, &self.bytes, &bytes, expires)
            .await
            .map_err(unavailable)?;
        if written {
            self.bytes = bytes;
        }
        Ok(written)
    }
}

impl Stored {
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK)
    }

    pub(crate) fn into_body(self) -> Bytes {
        Bytes::from(self.body)
    }
}

fn encode(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

fn in_flight() -> Problem {
    let text = "The first request with this Idempotency-Key is still being carried out.";
    Problem::new(StatusCode::CONFLICT, "idempotency_in_flight", text).retry_after(1)
}
