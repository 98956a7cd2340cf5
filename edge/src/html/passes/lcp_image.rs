//! ## What it does
//! Gives the image that real visits have shown to be the largest of the first screen `fetchpriority="high"`.
//! ## Why it helps
//! A browser gives images a low priority until it has laid out the page. The largest one is what the visitor
//! waits for (Largest Contentful Paint), and its bytes come first from the start.
//! ## When it stays away
//! Until enough visits with phones and with desktops have been seen in at least four fifths of which it is the
//! same image. At most one image of a page gets it, and none where the page gives it to an earlier image. An
//! image that states `loading="lazy"` or a `fetchpriority`, that a lazy loader has, or that opts out.
//! ## Example
//! With 400 visits by phones and 300 by desktops in nearly all of which it was the first of `main .gallery img`,
//! `<img src="/p/7.jpg">` there becomes `<img src="/p/7.jpg" fetchpriority="high">`

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::super::hints::{
    Follower, GroupHints, ImageHint, NOTHING_LEARNED, TemplateHints, in_every_group, too_little,
};
use super::super::image;
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[
        Edit::Attribute("img", "fetchpriority"),
        Edit::Attribute("img", "loading"),
    ],
    ..Contract::READS
};

/// `[passes.lcp_image]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `true`; it changes nothing before visits have been seen.
    pub enabled: bool,
    /// Whether `loading="lazy"` and `fetchpriority` of the page itself give way: on the image that visits have
    /// shown to be the largest, and `fetchpriority="high"` on images that are not.
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

impl Options {
    #[allow(clippy::unused_self, reason = "every pass has it")]
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

pub(super) fn decide(options: &Options, facts: &PageFacts) -> Decision {
    let Some(hints) = &facts.hints else {
        return Decision::skip(NOTHING_LEARNED);
    };
    if let Some(reason) = too_little(hints) {
        return Decision::skip(reason);
    }
    let follower = Follower::new(hints, is_largest);
    if follower.is_empty() {
        return Decision::skip("no image is the largest in enough visits");
    }
    Decision::Apply(Box::new(LcpImage {
        known_everywhere: hints.ready().all(|group| follower.has(group.viewport)),
        hints: Rc::clone(hints),
        follower,
        override_author: options.override_author,
        met: false,
        given: None,
    }))
}

fn is_largest(group: &GroupHints, image: &ImageHint) -> bool {
    group.is_lcp(image).suffices()
}

struct LcpImage {
    hints: Rc<TemplateHints>,
    follower: Follower,
    override_author: bool,
    /// Whether the largest image is known on every kind of screen.
    known_everywhere: bool,
    /// Whether an image that is followed has been on the page.
    met: bool,
    /// Why no other image gets the priority: one has it.
    given: Option<&'static str>,
}

impl Pass for LcpImage {
    fn selectors(&self) -> Vec<String> {
        self.follower.selectors()
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, _page: &Page, receipt: &mut Receipt) {
        let met = self.follower.meet(tag);
        if tag.name() != "img" {
            return;
        }
        let is_largest_somewhere = !met.is_empty();
        let is_largest_everywhere = in_every_group(&self.hints, &met, |_, _| true);
        if !is_largest_somewhere {
            self.others_priority(tag, receipt);
            return;
        }
        self.met = true;
        if let Some(reason) = self.refusal(tag) {
            receipt.note(|| format!("{}: left, {reason}", image::address(tag)));
        } else if is_largest_everywhere {
            if tag.has_word("loading", "lazy") {
                tag.remove("loading");
            }
            tag.set_raw("fetchpriority", "high");
            self.given = Some("another image has the priority");
            receipt.applied();
            receipt.note(|| format!("{}: the largest image", image::address(tag)));
        } else {
            receipt.note(|| {
                let address = image::address(tag);
                format!("{address}: left, the largest image on some screens only")
            });
        }
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        if !self.met {
            receipt.stop("the page does not have the image");
        }
    }
}

impl LcpImage {
    /// An image that is not the largest, and may say that it is.
    fn others_priority(&mut self, tag: &mut Tag<'_, '_, '_>, receipt: &mut Receipt) {
        if !tag.has_word("fetchpriority", "high") {
            return;
        }
        if self.override_author && self.known_everywhere && !tag.opted_out {
            tag.remove("fetchpriority");
            receipt.applied();
            receipt.note(|| format!("{}: not the largest image", image::address(tag)));
        } else {
            self.given = Some("the page gives the priority to another image");
        }
    }

    /// Why the largest image stays as it is.
    fn refusal(&self, tag: &Tag<'_, '_, '_>) -> Option<&'static str> {
        if tag.opted_out {
            return Some(image::OPTED_OUT);
        }
        if image::has_lazy_loader(tag) {
            return Some(image::LAZY_LOADER);
        }
        if tag.has_word("fetchpriority", "high") && !tag.has_word("loading", "lazy") {
            return Some("the page gives it the priority already");
        }
        let states = |name: &str| tag.has(name) && !self.override_author;
        if tag.has_word("loading", "lazy") && states("loading") {
            return Some("the page loads it lazily, although it is the largest image");
        }
        if states("fetchpriority") {
            return Some("the page says how it loads");
        }
        self.given
    }
}
