//! The shared cache of static assets and images, and of pages that are kept to answer prefetches.
//!
//! - [`freshness`]: whether a response may be shared and for how long (RFC 9111), and the proof of it.
//! - [`page`]: whether a page may be shared.
//! - [`key`]: under which name.
//! - [`entry`]: how it is written down, so that a torn write is a miss.

pub mod entry;
pub mod freshness;
pub mod key;
pub mod page;

pub use entry::Entry;
pub use freshness::{Age, Bypass, Freshness, Shareable};
