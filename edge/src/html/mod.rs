//! HTML: the rewriter, the registry of passes, and the passes.
//!
//! [`Rewriter`] streams a page through every registered pass and is the one place that touches
//! `lol_html`. It never fails: what cannot be rewritten passes through byte for byte. A pass decides
//! once per page whether it applies, and sees start tags, inline scripts and the end of the head; it
//! never sees what a browser would not act on (`<template>`, `<noscript>`, SVG, comments).

mod csp;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod hints;
mod image;
mod image_preload;
pub mod link_header;
mod page;
pub mod passes;
mod rewriter;
mod sniff;
mod tag;
mod url_pattern;
mod vendors;

pub use image_preload::ImagePreload;
pub use page::{Clock, EarlyHints, Exception, ImageKey, PageFacts};
pub use passes::css::Linked;
pub use rewriter::{Limits, Outcome, PassReport, Rewriter};
