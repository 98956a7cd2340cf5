//! The hazards of an edge in front of a shop, each a test by its number: what the whole journey does, on a
//! platform without a host. What the rewriter alone answers for is in `hazards_html.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what went wrong by failing there"
)]

#[path = "hazards/ahead.rs"]
mod ahead;
#[path = "hazards/animated.rs"]
mod animated;
#[path = "hazards/audited.rs"]
mod audited;
#[path = "hazards/bodies.rs"]
mod bodies;
#[path = "hazards/caching.rs"]
mod caching;
#[path = "hazards/control.rs"]
mod control;
#[path = "hazards/crawlers.rs"]
mod crawlers;
#[path = "hazards/drawings.rs"]
mod drawings;
#[path = "hazards/fonts.rs"]
mod fonts;
#[path = "hazards/forms.rs"]
mod forms;
#[path = "hazards/hints.rs"]
mod hints;
#[path = "hazards/images.rs"]
mod images;
#[path = "hazards/open_proxy.rs"]
mod open_proxy;
#[path = "hazards/payment.rs"]
mod payment;
#[path = "hazards/preloads.rs"]
mod preloads;
#[path = "hazards/ratchet.rs"]
mod ratchet;
#[path = "hazards/sheets.rs"]
mod sheets;
#[path = "hazards/stand_ins.rs"]
mod stand_ins;
#[path = "hazards/stripped.rs"]
mod stripped;
#[path = "hazards/support.rs"]
mod support;
