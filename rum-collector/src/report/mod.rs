//! What the page views say: statistics and reports.
//!
//! [`stats`] holds the definitions (p75, its interval, shares), [`source`] reads a store, [`Report`] is what was
//! found, and [`render`] writes it as a table, JSON, CSV or one HTML file. The same page views give the same
//! bytes, from whatever store they come.

mod build;
pub mod render;
pub mod source;
pub mod stats;

use serde::Serialize;

pub use build::build;
use stats::{Estimate, Shares};

/// Fewest page views that a p75 is printed for.
pub const MIN_N: u64 = 100;
/// Below so many page views a p75 is marked as rough: its interval is wider than ± 8 %.
pub const ROUGH_N: u64 = 400;
/// Fewest visitor buckets that anything is printed for: fewer are too few to hide in.
pub const MIN_BUCKETS: usize = 50;

/// A Core Web Vital, or one of the two that explain them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Largest Contentful Paint.
    Lcp,
    /// Interaction to Next Paint.
    Inp,
    /// Cumulative Layout Shift.
    Cls,
    /// First Contentful Paint.
    Fcp,
    /// Time to First Byte.
    Ttfb,
}

impl Metric {
    /// All, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Lcp, Self::Inp, Self::Cls, Self::Fcp, Self::Ttfb];

    /// The field's abbreviation.
    pub fn label(self) -> &'static str {
        match self {
            Self::Lcp => "LCP",
            Self::Inp => "INP",
            Self::Cls => "CLS",
            Self::Fcp => "FCP",
            Self::Ttfb => "TTFB",
        }
    }

    /// The name that the Chrome UX Report uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lcp => "largest_contentful_paint",
            Self::Inp => "interaction_to_next_paint",
            Self::Cls => "cumulative_layout_shift",
            Self::Fcp => "first_contentful_paint",
            Self::Ttfb => "experimental_time_to_first_byte",
        }
    }

    /// The column that holds it, in milliseconds, or in ten-thousandths for CLS.
    pub fn column(self) -> &'static str {
        match self {
            Self::Lcp => "lcp_ms",
            Self::Inp => "inp_ms",
            Self::Cls => "cls_1e4",
            Self::Fcp => "fcp_ms",
            Self::Ttfb => "ttfb_ms",
        }
    }

    /// The largest good value and the largest that is not yet poor, in the column's unit.
    pub fn thresholds(self) -> [u32; 2] {
        match self {
            Self::Lcp => [2_500, 4_000],
            Self::Inp => [200, 500],
            Self::Cls => [1_000, 2_500],
            Self::Fcp => [1_800, 3_000],
            Self::Ttfb => [800, 1_800],
        }
    }

    /// A value as it is written in reports: milliseconds, or the score with three decimals.
    pub fn plain(self, value: u32) -> String {
        match self {
            Self::Cls => format!("{:.3}", f64::from(value) / 10_000.0),
            _ => value.to_string(),
        }
    }

    /// A value with its unit.
    pub fn with_unit(self, value: u32) -> String {
        match self {
            Self::Cls => self.plain(value),
            _ if value >= 1_000 => format!("{:.2} s", f64::from(value) / 1_000.0),
            _ => format!("{value} ms"),
        }
    }
}

/// Which page views a number is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// All of them.
    All,
    /// Of visitors who get the optimisations.
    Treatment,
    /// Of visitors who are held back.
    Control,
}

impl Arm {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Treatment => "treatment",
            Self::Control => "control",
        }
    }
}

/// A time window, in milliseconds since the Unix epoch: from, and up to but not including.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Begin.
    pub from_ms: u64,
    /// End.
    pub to_ms: u64,
}

/// What is printed and what is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Fewest page views of a printed p75.
    pub min_n: u64,
    /// Fewest visitor buckets of anything printed.
    pub min_buckets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            min_n: MIN_N,
            min_buckets: MIN_BUCKETS,
        }
    }
}

impl Limits {
    /// Limits with another least n. Below [`MIN_N`] the floor of buckets goes too: that is for one's own
    /// laboratory, not for visitors.
    pub fn with_min_n(min_n: u64) -> Self {
        let min_buckets = if min_n < MIN_N { 1 } else { MIN_BUCKETS };
        Self { min_n, min_buckets }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The site, or `None` when the store holds only one and none was asked for.
    pub site: Option<String>,
    /// When.
    pub window: Window,
    /// What was held back.
    pub limits: Limits,
    /// Whether there is a holdback to compare with: then cells have the arms `treatment` and `control` too.
    pub holdback: bool,
    /// First all page views; then by device, by template, and by both.
    pub cells: Vec<Cell>,
    /// LCP, day by day.
    pub days: Vec<Day>,
    /// Whether the numbers can be believed.
    pub quality: Quality,
}

/// One template on one kind of device, or all of either.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// `None`: all templates.
    pub template: Option<String>,
    /// `None`: all devices.
    pub device: Option<String>,
    /// The arms, [`Arm::All`] first.
    pub arms: Vec<ArmCell>,
}

impl Cell {
    /// The numbers of an arm.
    pub fn arm(&self, arm: Arm) -> Option<&ArmCell> {
        self.arms.iter().find(|cell| cell.arm == arm)
    }
}

/// One arm of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmCell {
    /// Which.
    pub arm: Arm,
    /// Page views, with or without metrics.
    pub views: u64,
    /// Visitor buckets.
    pub buckets: usize,
    /// One for each of [`Metric::ALL`].
    pub metrics: Vec<Summary>,
}

impl ArmCell {
    /// The numbers of a metric.
    pub fn metric(&self, metric: Metric) -> Option<&Summary> {
        self.metrics.iter().find(|summary| summary.metric == metric)
    }
}

/// One metric of one arm of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Which.
    pub metric: Metric,
    /// Page views that have it.
    pub n: u64,
    /// What they are worth, given their weights.
    pub n_eff: f64,
    /// The p75, unless there is too little to print one.
    pub p75: Option<Estimate>,
    /// Good, needs improvement, poor.
    pub shares: Option<Shares>,
    /// How the values are spread; empty where the p75 is not printed.
    pub histogram: Vec<Bin>,
}

impl Summary {
    /// Whether the p75 is to be taken as rough.
    pub fn is_rough(&self) -> bool {
        self.n < ROUGH_N
    }
}

/// A bin of a histogram, in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Above; the first bin holds zero too.
    pub start: u32,
    /// Up to and including; `None` for the last, which is open.
    pub end: Option<u32>,
    /// Share of the weight.
    pub density: f64,
}

/// One day.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// Days since the Unix epoch.
    pub day: u64,
    /// LCP of that day.
    pub lcp: Summary,
}

/// Whether the numbers can be believed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Quality {
    /// Beacons by what became of them.
    pub beacons: Vec<(String, u64)>,
    /// Page views by kind of navigation.
    pub navigations: Vec<(String, u64)>,
    /// Share of page views that have each of [`Metric::ALL`].
    pub coverage: Vec<(Metric, f64)>,
    /// Share of page views that were reported again after their first report. Those that ended before the
    /// early report, five seconds after the load, have one report and are complete.
    pub updated: f64,
    /// Page views of declared bots that were kept apart.
    pub bots: u64,
}
