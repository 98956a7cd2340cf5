//! From request to response: routing, HTML rewriting, caching, and the one port to a host.

pub mod config;
pub mod html;
pub mod platform;
