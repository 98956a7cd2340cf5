//! What is known of templates and what follows from it, for whoever imports hints or asks for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Evidence, GroupHints, TemplateHints, Viewport};
use crate::html::passes::Config;

/// What `/_v/hints` answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Report {
    /// What is likely not as it was meant.
    pub warnings: Vec<String>,
    /// One entry per template.
    pub templates: Vec<TemplateReport>,
}

/// One template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateReport {
    /// Its name.
    pub template: String,
    /// Passes that were switched off for it, and why.
    pub off: BTreeMap<String, String>,
    /// Hinted addresses that are used no more: a page did not have them, or they were not found.
    pub stale: Vec<String>,
    /// What follows, per viewport group.
    pub groups: Vec<GroupReport>,
    /// What it follows from: as it was imported, without what is stale.
    pub hints: Option<TemplateHints>,
}

/// One viewport group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Which screens.
    pub viewport: Viewport,
    /// Page views that were counted.
    pub views: u32,
    /// What each entry leads to.
    pub decisions: Vec<Decision>,
}

/// What one entry leads to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The pass that would act.
    pub pass: String,
    /// On what: an element, an origin, an address.
    pub on: String,
    /// Why, in numbers.
    pub evidence: Evidence,
    /// Why it does not act. `None` where it does.
    pub not_yet: Option<String>,
}

impl TemplateReport {
    /// What follows from hints, with these passes on.
    pub fn new(
        template: &str,
        hints: Option<&TemplateHints>,
        off: BTreeMap<String, String>,
        stale: &[String],
        passes: &Config,
    ) -> Self {
        let judge = Judge { off: &off, passes };
        let groups = hints.map_or_else(Vec::new, |hints| {
            hints
                .groups
                .iter()
                .map(|group| judge.group(group))
                .collect()
        });
        Self {
            template: template.to_owned(),
            groups,
            hints: hints.cloned(),
            off,
            stale: stale.to_vec(),
        }
    }
}

struct Judge<'a> {
    off: &'a BTreeMap<String, String>,
    passes: &'a Config,
}

impl Judge<'_> {
    fn group(&self, group: &GroupHints) -> GroupReport {
        let mut decisions = Vec::new();
        for image in &group.images {
            let on = match image.ordinal {
                0 => image.selector.clone(),
                n => format!("{} (number {})", image.selector, u64::from(n) + 1),
            };
            if image.lcp > 0 {
                decisions.push(self.decide("lcp_image", on.clone(), group.is_lcp(image)));
            }
            if image.below_fold > 0 {
                decisions.push(self.decide("lazy_images", on, group.is_below_fold(image)));
            }
        }
        for origin in &group.origins {
            let evidence = group.is_connected_early(origin);
            decisions.push(self.decide("preconnect", origin.origin.clone(), evidence));
        }
        for resource in &group.resources {
            let evidence = group.is_found_late(resource);
            decisions.push(self.decide("preload", resource.url.clone(), evidence));
        }
        GroupReport {
            viewport: group.viewport,
            views: group.views,
            decisions,
        }
    }

    fn decide(&self, pass: &str, on: String, evidence: Evidence) -> Decision {
        Decision {
            pass: pass.to_owned(),
            not_yet: self.why_not(pass, &evidence),
            on,
            evidence,
        }
    }

    fn why_not(&self, pass: &str, evidence: &Evidence) -> Option<String> {
        if let Some(why) = self.off.get(pass) {
            return Some(format!("the pass is {why}"));
        }
        if self.passes.is_enabled(pass) != Some(true) {
            return Some("the pass is off".to_owned());
        }
        evidence.lacks()
    }
}
