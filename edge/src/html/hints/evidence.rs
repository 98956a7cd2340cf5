//! What follows from counts: the share that each pass asks for, in one place for passes and for reports.

use serde::{Deserialize, Serialize};

use super::{GroupHints, ImageHint, MIN_VIEWS, OriginHint, ResourceHint, lower_bound};

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
