//! What follows from counts: the share that each pass asks for, in one place for passes and for reports.

use serde::{Deserialize, Serialize};

use super::{
    GroupHints, ImageHint, MIN_VIEWS, OriginHint, ResourceHint, TemplateHints, Viewport,
    lower_bound,
};

/// Share of a group's views in which the same image must be the largest contentful paint.
const LCP: f64 = 0.8;
/// Share of the views with an image in which it must begin below the first viewport: almost all, because a
/// visible image that is loaded lazily comes late.
const BELOW_FOLD: f64 = 0.95;
/// Share of a group's views in which an origin must be used before the largest contentful paint.
const CONNECTED: f64 = 0.6;
/// Share of a group's views in which a resource must be found late.
const LATE: f64 = 0.8;

/// A count, and what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Views that speak for it.
    pub count: u32,
    /// Views that could have.
    pub of: u32,
    /// The share is not below this, at 95 % confidence.
    pub bound: f64,
    /// What the bound must reach.
    pub needs: f64,
}

impl Evidence {
    fn new(count: u32, of: u32, needs: f64) -> Self {
        let bound = lower_bound(count, of);
        Self {
            count,
            of,
            bound,
            needs,
        }
    }

    /// Whether there are enough views, and the share is high enough.
    pub fn suffices(&self) -> bool {
        self.of >= MIN_VIEWS && self.bound >= self.needs
    }

    /// What is missing, as the end of a sentence. `None` when nothing is.
    pub fn lacks(&self) -> Option<String> {
        if self.suffices() {
            return None;
        }
        let Self {
            count,
            of,
            bound,
            needs,
        } = self;
        Some(if *of < MIN_VIEWS {
            format!("{of} views, and nothing is concluded from fewer than {MIN_VIEWS}")
        } else {
            let percent = |share: f64| format!("{:.0} %", share * 100.0);
            format!(
                "{count} of {of} views make at least {}, and it needs {}",
                percent((bound * 100.0).floor() / 100.0),
                percent(*needs)
            )
        })
    }
}

impl GroupHints {
    /// That an image is the largest contentful paint.
    pub fn is_lcp(&self, image: &ImageHint) -> Evidence {
        Evidence::new(image.lcp, self.views, LCP)
    }

    /// That an image, where it is on the page, begins below the first viewport.
    pub fn is_below_fold(&self, image: &ImageHint) -> Evidence {
        Evidence::new(image.below_fold, image.seen, BELOW_FOLD)
    }

    /// That an image, where it is on the page, is not to be seen at first: it begins below the first viewport,
    /// or is hidden, as the later slides of a carousel.
    pub fn is_unseen_at_first(&self, image: &ImageHint) -> Evidence {
        let unseen = image.below_fold.saturating_add(image.hidden);
        Evidence::new(unseen, image.seen, BELOW_FOLD)
    }

    /// That an origin is used before the largest contentful paint.
    pub fn is_connected_early(&self, origin: &OriginHint) -> Evidence {
        Evidence::new(origin.before_lcp, self.views, CONNECTED)
    }

    /// That a resource is needed, and found late.
    pub fn is_found_late(&self, resource: &ResourceHint) -> Evidence {
        Evidence::new(resource.late, self.views, LATE)
    }
}

/// A resource that is worth a preload.
#[derive(Debug, Clone, PartialEq)]
pub struct Late<'a> {
    /// Which one.
    pub resource: &'a ResourceHint,
    /// The screens on which it is. `None`: on all.
    pub media: Option<String>,
    /// The best of the groups' bounds.
    bound: f64,
}

impl TemplateHints {
    /// Origins that a group with enough views connects to early, the surest first.
    pub fn connected_early(&self) -> Vec<&OriginHint> {
        let mut all: Vec<(f64, &OriginHint)> = Vec::new();
        for group in self.ready() {
            for hint in &group.origins {
                let evidence = group.is_connected_early(hint);
                let is_same =
                    |known: &OriginHint| known.origin == hint.origin && known.cors == hint.cors;
                match all.iter_mut().find(|(_, known)| is_same(known)) {
                    _ if !evidence.suffices() => {}
                    Some((bound, _)) => *bound = bound.max(evidence.bound),
                    None => all.push((evidence.bound, hint)),
                }
            }
        }
        // The sort is stable: of two that are as sure, the first in the file.
        all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        all.into_iter().map(|(_, hint)| hint).collect()
    }

    /// Resources that a group with enough views finds late, the surest first. One that is fetched in two ways
    /// is left out: a preload can only fit one.
    pub fn found_late(&self) -> Vec<Late<'_>> {
        let ready: Vec<&GroupHints> = self.ready().collect();
        let mut all: Vec<Late<'_>> = Vec::new();
        for hint in ready.iter().flat_map(|group| &group.resources) {
            if all.iter().any(|late| late.resource.url == hint.url) {
                continue;
            }
            let of = |group: &&GroupHints| {
                let found = group.resources.iter().find(|other| other.url == hint.url)?;
                Some((group.viewport, found.clone(), group.is_found_late(found)))
            };
            let found: Vec<_> = ready.iter().filter_map(of).collect();
            let fits = found.iter().all(|(_, other, _)| hint.is_fetched_as(other));
            let sure = found.iter().filter(|(.., evidence)| evidence.suffices());
            let bounds = sure.clone().map(|(.., evidence)| evidence.bound);
            let Some(bound) = bounds.reduce(f64::max).filter(|_| fits) else {
                continue;
            };
            let viewports: Vec<Viewport> = sure.map(|(viewport, ..)| *viewport).collect();
            all.push(Late {
                resource: hint,
                media: media(&viewports, ready.len()),
                bound,
            });
        }
        all.sort_by(|a, b| b.bound.total_cmp(&a.bound));
        all
    }
}

/// The media query of some viewport groups, of as many that have enough views. Where the narrowest and the
/// widest screens agree and no group with enough views disagrees, it is on all.
fn media(viewports: &[Viewport], ready: usize) -> Option<String> {
    let has = |viewport| viewports.contains(&viewport);
    if viewports.len() == ready && has(Viewport::Phone) && has(Viewport::Desktop) {
        return None;
    }
    let queries: Vec<&str> = viewports.iter().map(|viewport| viewport.media()).collect();
    Some(queries.join(", "))
}

impl ResourceHint {
    /// Whether two hints describe the same fetch.
    fn is_fetched_as(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.crossorigin == other.crossorigin
            && self.media_type == other.media_type
            && self.integrity == other.integrity
    }
}
