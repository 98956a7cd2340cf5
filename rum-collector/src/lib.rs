//! Real-user metrics: beacons in; validation, storage, statistics and reports out.
//!
//! A page that `edge` has let through carries a signed [`token`] and the beacon [`script`]. The script sends
//! what the page view felt like to the [`collect::Collector`], which checks it and hands it to a
//! [`store::Store`]. With the feature `report`, the statistics over what is stored are here too.
//!
//! Nothing here names a host: a door implements [`collect::Host`], [`collect::Chunks`] and a store, and the same
//! code answers on Spin, on Fastly and in a test.
//!
//! ```
//! use vitrine_rum_collector::token::{self, Claims};
//!
//! let claims = Claims {
//!     site: "demo".into(),
//!     template: "product".into(),
//!     arms: vec!["holdback:treatment".into()],
//!     bucket: 7,
//!     weight: 1,
//!     issued_minute: 29_000_000,
//! };
//! let token = token::mint(b"key", &claims);
//! assert_eq!(token::verify(&[b"key"], &token, 29_000_000 * 60_000), Ok(claims));
//! ```

pub mod collect;
pub mod outcome;
pub mod script;
pub mod settings;
pub mod store;
pub mod token;
pub mod visitor;

mod beacon;
mod json;
mod limit;
mod tally;

#[cfg(feature = "report")]
pub mod report;
