//! One change of a cart at a time, across all instances: shops lose updates when two overlap.

use std::time::Duration;

use http::StatusCode;

use crate::adapter::digest;
use crate::platform::{Platform, StoreError};
use crate::problem::Problem;
use crate::shops::Session;

/// Longer than one change may take (three calls to the shop), so that a lease outlives its holder only when
/// the holder is gone.
const LEASE_MS: u64 = 30_000;
/// How long a change waits for those before it.
const PATIENCE_MS: u64 = 10_000;
/// Between two looks, spread so that waiters do not look in step.
const LOOK_MS: std::ops::Range<u64> = 15..45;

/// The right to change one cart.
#[derive(Debug)]
pub(crate) struct Lock {
    key: String,
    holder: Vec<u8>,
}

impl Lock {
    /// Waits until nobody else changes the cart.
    pub(crate) async fn acquire<P: Platform>(
        platform: &P,
        session: &Session,
    ) -> Result<Self, Problem> {
        let lock = Self {
            key: format!("lock:{}", digest(&session.cookie)),
            holder: format!("{:016x}", platform.random()).into_bytes(),
        };
        let started = platform.now_ms();
        loop {
            let now = platform.now_ms();
            if platform
                .insert(&lock.key, &lock.holder, now + LEASE_MS)
                .await
                .map_err(unavailable)?
            {
                return Ok(lock);
            }
            if now.saturating_sub(started) > PATIENCE_MS {
                let text = "The cart is being changed. Nothing was done: try again in a moment.";
                return Err(
                    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "cart_busy", text).retry_after(1),
                );
            }
            let wait = LOOK_MS.start + platform.random() % (LOOK_MS.end - LOOK_MS.start);
            platform.sleep(Duration::from_millis(wait)).await;
        }
    }

    /// Lets the next one in. A store that fails here costs the rest of the lease, not a change.
    pub(crate) async fn release<P: Platform>(self, platform: &P) {
        let _ = platform.remove(&self.key, &self.holder).await;
    }
}

/// Without its records the adapter cannot keep its promises about changes, so it makes none. What exactly
/// failed is for the host's log, not for shoppers.
#[allow(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
pub(crate) fn unavailable(_: StoreError) -> Problem {
    let text = "Carts can be read but not changed at the moment. Nothing was done.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "state_unavailable", text).retry_after(5)
}
