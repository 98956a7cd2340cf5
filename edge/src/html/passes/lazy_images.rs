//! ## What it does
//! Adds `loading="lazy"` to images and frames that real visits have shown to begin below the first screen, and
//! `fetchpriority="low"` to images that are within it and hidden, such as the later slides of a carousel.
//! ## Why it helps
//! The browser spends its first connections on what the visitor sees; what lies below is fetched when the
//! visitor comes near it, or never.
//! ## When it stays away
//! Until enough visits with phones and with desktops have been seen, and from every image of which one kind of
//! screen has not shown the same. An image that was the largest of a first screen even once, that states
//! `loading` or `fetchpriority` itself, that a lazy loader has, or that opts out (`class="skip-lazy"`). A
//! carousel's slides are never lazy: the next one has to be there at once.
//! ## Example
//! With 400 visits by phones and 300 by desktops in all of which the third image of `main .grid img` began
//! below the screen, `<img src="/p/7.jpg">` there becomes `<img src="/p/7.jpg" loading="lazy">`

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::super::hints::{
    Follower, GroupHints, ImageHint, Met, NOTHING_LEARNED, TemplateHints, in_every_group,
    too_little,
};
use super::super::image;
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    // Of two passes that set an image's priority, the one with the better reason comes first.
    after: &["lcp_image"],
    edits: &[
        Edit::Attribute("img", "loading"),
        Edit::Attribute("img", "fetchpriority"),
        Edit::Attribute("iframe", "loading"),
    ],
    ..Contract::READS
};

/// `[passes.lazy_images]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `true`; it changes nothing before visits have been seen.
    pub enabled: bool,
    /// Whether `loading="eager"` and `fetchpriority="high"` of the page itself give way where visits have shown
    /// the image below the first screen.
    ///
    /// ### Default
    /// `false`
    pub override_author: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            override_author: false,
        }
    }
}

pub(super) fn decide(options: &Options, facts: &PageFacts) -> Decision {
    let Some(hints) = &facts.hints else {
        return Decision::skip(NOTHING_LEARNED);
    };
    if let Some(reason) = too_little(hints) {
        return Decision::skip(reason);
    }
    let follower = Follower::new(hints, |_, _| true);
    if follower.is_empty() {
        return Decision::skip("no image has been seen on this template");
    }
    Decision::Apply(Box::new(LazyImages {
        hints: Rc::clone(hints),
        follower,
        override_author: options.override_author,
    }))
}

struct LazyImages {
    hints: Rc<TemplateHints>,
    follower: Follower,
    override_author: bool,
}

/// What visits have shown of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It begins below the first screen of every visitor.
    Below,
    /// It is not to be seen on the first screen, and may be within it.
    Hidden,
    /// It is seen, or too little is known.
    Seen,
}

impl Pass for LazyImages {
    fn selectors(&self) -> Vec<String> {
        self.follower.selectors()
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, _page: &Page, receipt: &mut Receipt) {
        let place = place(&self.hints, &self.follower.meet(tag));
        let is_image = tag.name() == "img";
        if place == Place::Seen || !(is_image || tag.name() == "iframe") {
            return;
        }
        if let Some(reason) = self.refusal(tag) {
            receipt.note(|| format!("{}: left, {reason}", image::address(tag)));
            return;
        }
        match place {
            Place::Below => {
                tag.set_raw("loading", "lazy");
                tag.remove("fetchpriority");
                receipt.note(|| format!("{}: below every first screen", image::address(tag)));
            }
            Place::Hidden if is_image => {
                tag.set_raw("fetchpriority", "low");
                receipt.note(|| format!("{}: hidden at first", image::address(tag)));
            }
            Place::Hidden | Place::Seen => return,
        }
        receipt.applied();
    }
}

impl LazyImages {
    /// Why an element stays as it is, whatever has been seen of it.
    fn refusal(&self, tag: &Tag<'_, '_, '_>) -> Option<&'static str> {
        if tag.opted_out {
            return Some(image::OPTED_OUT);
        }
        if image::has_lazy_loader(tag) {
            return Some(image::LAZY_LOADER);
        }
        if image::refuses_lazy_loading(tag) {
            return Some("the page wants it at once");
        }
        if !tag.has("src") && !tag.has("srcset") && tag.picture.is_none() {
            return Some("it has no address");
        }
        // Forms and scripts find a frame by its name, and expect it to be there.
        if tag.name() == "iframe" && tag.has("name") {
            return Some("the frame has a name");
        }
        let is = |name: &str, value: &str| {
            let stated = tag.value(name);
            stated.is_none_or(|stated| {
                self.override_author && stated.trim().eq_ignore_ascii_case(value)
            })
        };
        if !is("loading", "eager") || !is("fetchpriority", "high") {
            return Some("the page says how it loads");
        }
        None
    }
}

fn place(hints: &TemplateHints, met: &Met<'_>) -> Place {
    type Test = fn(&GroupHints, &ImageHint) -> bool;
    let below: Test = |group, image| group.is_below_fold(image).suffices();
    let unseen: Test = |group, image| group.is_unseen_at_first(image).suffices();
    let ever_largest = met.iter().any(|(_, image)| image.lcp > 0);
    if met.is_empty() || ever_largest {
        Place::Seen
    } else if in_every_group(hints, met, below) {
        Place::Below
    } else if in_every_group(hints, met, unseen) {
        Place::Hidden
    } else {
        Place::Seen
    }
}
