//! The beacon script: what `edge` injects and the collector serves.
//!
//! Its source is `script/src/beacon.js`; `npm ci && npm run build` in `script/` (a step of `cargo xtask build`)
//! bundles it with the `web-vitals` package. A build without that step has no script: [`BODY`] is `None`,
//! `edge` injects nothing, and the collector answers 503.

include!(concat!(env!("OUT_DIR"), "/script.rs"));

/// Why `edge` injects nothing when [`BODY`] is `None`.
pub const MISSING: &str = "no beacon script in this build";
