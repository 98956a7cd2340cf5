//! Template hints: what real visits have shown about the pages of one template, and how sure that is.
//!
//! A hint names an element by a CSS selector that can be matched while a page streams, and by its ordinal
//! among the selector's matches in document order. It carries counts, not conclusions: the passes that act
//! on it ask for a share whose lower bound is high enough, and do nothing before there is evidence.

mod check;
mod evidence;
mod follow;
mod report;

use serde::{Deserialize, Serialize};

pub(super) use self::check::origin_of;
pub use self::check::{MAX_FILE, Problem};
pub use self::evidence::{Evidence, Late};
pub(super) use self::follow::{Follower, Met, in_every_group, too_little};
pub use self::report::{Decision, GroupReport, Report, TemplateReport};

/// Fewest views of a template and viewport group before anything is concluded from them.
pub const MIN_VIEWS: u32 = 50;
/// Most templates in one file of hints; `vitrine.toml` names at most 64, and one more is for the rest.
pub const MAX_TEMPLATES: usize = 65;
/// Why a pass does nothing before there are hints.
pub(super) const NOTHING_LEARNED: &str = "nothing has been learned of this template yet";
/// Most elements, origins or resources of one viewport group: a page has few that matter.
pub const MAX_ENTRIES: usize = 64;

/// A file of hints, as `vitrine hints import` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HintsFile {
    /// Version of the format: 1.
    pub version: u32,
    /// One record per template.
    pub templates: Vec<TemplateHints>,
}

/// What has been seen of one template.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateHints {
    /// The template's name, as in `vitrine.toml`; `other` for pages that match none.
    pub template: String,
    /// One entry per viewport group that was seen.
    pub groups: Vec<GroupHints>,
}

/// What has been seen of one template on screens of one width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupHints {
    /// Which screens.
    pub viewport: Viewport,
    /// Page views that were counted.
    pub views: u32,
    /// Images and frames that were seen.
    #[serde(default)]
    pub images: Vec<ImageHint>,
    /// Origins of third parties that were used.
    #[serde(default)]
    pub origins: Vec<OriginHint>,
    /// Style sheets, fonts and scripts that the browser found late.
    #[serde(default)]
    pub resources: Vec<ResourceHint>,
}

/// Viewport groups, by the width of the layout viewport in CSS pixels. Their ranges exclude each other, so
/// that a preload with a group's media query is fetched by that group alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Viewport {
    /// Below 600 px.
    Phone,
    /// 600 px to below 1024 px.
    Tablet,
    /// From 1024 px.
    Desktop,
}

impl Viewport {
    /// The group's media query.
    pub fn media(self) -> &'static str {
        match self {
            Self::Phone => "(max-width:599.98px)",
            Self::Tablet => "(min-width:600px) and (max-width:1023.98px)",
            Self::Desktop => "(min-width:1024px)",
        }
    }
}

/// An image of the template, or a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageHint {
    /// A CSS selector, such as `main .gallery img`.
    pub selector: String,
    /// Which of the selector's matches in document order, from 0. Elements in `<template>`, `<noscript>` and
    /// SVG do not count: a document's own `querySelectorAll` does not find them either.
    #[serde(default)]
    pub ordinal: u32,
    /// Views in which the element was on the page.
    pub seen: u32,
    /// Views in which it was the largest contentful paint.
    #[serde(default)]
    pub lcp: u32,
    /// Views in which it began below the first viewport.
    #[serde(default)]
    pub below_fold: u32,
    /// Views in which it did not begin below the first viewport and was not to be seen, as the later slides of
    /// a carousel.
    #[serde(default)]
    pub hidden: u32,
}

/// An origin that pages of the template connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginHint {
    /// `https://host`.
    pub origin: String,
    /// Whether the connection is without credentials, as for fonts.
    #[serde(default)]
    pub cors: bool,
    /// Views in which something from it was used before the largest contentful paint.
    pub before_lcp: u32,
}

/// A resource that pages of the template need, and that the browser finds late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceHint {
    /// Path on the shop, or URL.
    pub url: String,
    /// What it is.
    pub kind: ResourceKind,
    /// The consumer's `crossorigin`; a font always has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossorigin: Option<CrossOrigin>,
    /// Media type, such as `font/woff2`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The consumer's `integrity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    /// Views in which rendering waited for it and it was found more than 300 ms after the page's first byte.
    pub late: u32,
}

/// What a resource is to its consumer: the `as` of its preload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    /// A style sheet.
    Style,
    /// A font.
    Font,
    /// A classic script.
    Script,
}

/// Values of the attribute `crossorigin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrossOrigin {
    /// Without credentials.
    Anonymous,
    /// With credentials.
    UseCredentials,
}

impl TemplateHints {
    /// The groups with enough views to conclude from.
    pub fn ready(&self) -> impl Iterator<Item = &GroupHints> {
        self.groups.iter().filter(|group| group.views >= MIN_VIEWS)
    }

    /// The group of these screens, if it has enough views.
    pub fn group(&self, viewport: Viewport) -> Option<&GroupHints> {
        self.ready().find(|group| group.viewport == viewport)
    }
}

/// Lower bound of a share: at 95 % confidence (two-sided), the true share is not below it.
///
/// The score interval of E. B. Wilson, "Probable inference, the law of succession, and statistical
/// inference", JASA 22 (1927). 0 where there are no trials, or more successes than trials.
pub fn lower_bound(successes: u32, trials: u32) -> f64 {
    /// Standard normal quantile of 97.5 %.
    const Z: f64 = 1.959_964;
    if trials == 0 || successes > trials {
        return 0.0;
    }
    let (n, share) = (f64::from(trials), f64::from(successes) / f64::from(trials));
    let z2 = Z * Z;
    let centre = share + z2 / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - spread) / (1.0 + z2 / n)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values by R's `binom::binom.confint(k, n, methods = "wilson")`.
    #[test]
    fn the_lower_bound_is_wilsons() {
        for (successes, trials, bound) in [
            (50, 50, 0.928_65),
            (73, 73, 0.950_00),
            (0, 50, 0.0),
            (8, 10, 0.490_16),
            (800, 1000, 0.774_08),
        ] {
            let seen = lower_bound(successes, trials);
            assert!((seen - bound).abs() < 1e-4, "{successes}/{trials}: {seen}");
        }
    }

    #[test]
    fn nothing_follows_from_nothing() {
        assert!(lower_bound(0, 0).abs() < f64::EPSILON);
        assert!(lower_bound(3, 2).abs() < f64::EPSILON);
    }
}
