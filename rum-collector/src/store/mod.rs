//! Where page views go.
//!
//! [`Store`] is what the collector needs. [`sql`] fulfils it over any `SQLite` that a door can reach, [`log`] over
//! a log stream where there is no database.

use std::future::Future;

use serde::Serialize;

pub mod log;
pub mod sql;

/// A page view as it is kept. What is not here is not kept: no address, no user agent, no URL, no referrer,
/// no cookie.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it; units are in them")]
pub struct PageView {
    pub view: String,
    pub seq: u8,
    pub received_ms: u64,
    pub site: String,
    pub template: String,
    /// Arms of all experiments, `experiment:arm`, separated by spaces.
    pub arms: String,
    /// The holdback's arm, from `arms`: `control` or `treatment`.
    pub holdback: Option<String>,
    pub bucket: u16,
    pub weight: u16,
    pub device: &'static str,
    /// `phone:ios:webkit`.
    pub ua_class: String,
    pub nav_type: &'static str,
    pub age_ms: u32,
    pub lcp_ms: Option<u32>,
    pub fcp_ms: Option<u32>,
    pub ttfb_ms: Option<u32>,
    pub inp_ms: Option<u32>,
    /// The layout shift score times 10,000.
    pub cls_1e4: Option<u32>,
    /// First byte, load delay, load duration, render delay.
    pub lcp_parts: Option<[u32; 4]>,
    /// Input delay, processing, presentation.
    pub inp_parts: Option<[u32; 3]>,
    pub lcp_target: Option<String>,
    pub inp_target: Option<String>,
    pub cls_target: Option<String>,
    pub lcp_url_path: Option<String>,
    pub inp_script: Option<String>,
    /// `s` below 480 px, `m` below 768, `l` below 1,200, `xl` from there on.
    pub viewport: Option<&'static str>,
    pub device_memory: Option<f64>,
    pub effective_type: Option<&'static str>,
    pub save_data: bool,
    /// JSON: `[[name, value], …]`.
    pub events: Option<String>,
    pub revenue_minor: Option<i64>,
    pub currency: Option<String>,
    pub order_hash: Option<String>,
    pub js_errors: Option<u16>,
    pub country: Option<String>,
    pub edge_pop: Option<String>,
    pub gpc: bool,
}

/// What became of a page view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is kept, durably.
    Stored,
    /// The same or a later report of this page view was there before.
    Duplicate,
}

/// How often something happened in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Hours since the Unix epoch.
    pub hour: u64,
    /// A name from [`crate::outcome::Outcome`].
    pub result: &'static str,
    /// How often.
    pub n: u64,
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// Keeps page views.
pub trait Store {
    /// Keeps a page view, or what is new in a later report of one. When this returns, it is durable.
    fn save(&self, view: &PageView) -> impl Future<Output = Result<Saved, StoreError>>;

    /// Keeps a page view of a declared bot, apart from all others.
    fn save_bot(
        &self,
        view: &PageView,
        class: &'static str,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Adds to the counters.
    fn count(&self, tallies: &[Tally]) -> impl Future<Output = Result<(), StoreError>>;

    /// Deletes what was received before `before_ms`, at most `most` rows of it. Returns how many.
    fn expire(&self, before_ms: u64, most: u32) -> impl Future<Output = Result<u64, StoreError>>;
}
