//! ## What it does
//! Gives the image that real visits have shown to be the largest of the first screen `fetchpriority="high"`.
//! Where phones, tablets and desktops show different ones, each is preloaded for its own screens, in the head
//! and with that priority.
//! ## Why it helps
//! A browser gives images a low priority until it has laid out the page. The largest one is what the visitor
//! waits for (Largest Contentful Paint), and its bytes come first from the start.
//! ## When it stays away
//! Until enough visits with phones and with desktops have been seen in at least four fifths of which it is the
//! same image. At most one image of a page gets the attribute, and none where the page gives it to an earlier
//! image. An image that states `loading="lazy"` or a `fetchpriority`, that a lazy loader has, or that opts
//! out. A preload says what the image's own tag says; that is known from earlier views of the same page, so a
//! page gets it from its third view without cookies on, and not while its image keeps changing, nor at an
//! address with a query. Nothing is put beside the image itself: a slider counts its children.
//! ## Example
//! With 400 visits by phones and 300 by desktops in nearly all of which it was the first of `main .gallery img`,
//! `<img src="/p/7.jpg">` there becomes `<img src="/p/7.jpg" fetchpriority="high">`

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::super::hints::{
    Follower, GroupHints, ImageHint, NOTHING_LEARNED, TemplateHints, Viewport, in_every_group,
    too_little,
};
use super::super::image;
use super::super::image_preload::{ImagePreload, Sources};
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    // A preload says what the tag says in the end. And visits count the elements of the page as it is sent.
    after: &["responsive_images", "facades"],
    edits: &[
        Edit::Attribute("img", "fetchpriority"),
        Edit::Attribute("img", "loading"),
        Edit::Inserts("link"),
    ],
    ..Contract::READS
};

/// By which its elements are known.
const NAME: &str = "lcp_image";

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
        absent: Some("the page does not have the image"),
        given: None,
        sources: Sources::default(),
        needed: Vec::new(),
        needed_for: Vec::new(),
        preloaded: false,
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
    /// What is said of a page on which no image that is followed has been yet.
    absent: Option<&'static str>,
    /// Why no other image gets the priority: one has it.
    given: Option<&'static str>,
    sources: Sources,
    /// The preloads that the page needs, as far as it has been seen, and for which screens.
    needed: Vec<ImagePreload>,
    needed_for: Vec<Viewport>,
    /// Whether a preload of ours is on the page already.
    preloaded: bool,
}

impl Pass for LcpImage {
    fn selectors(&self) -> Vec<String> {
        self.follower.selectors()
    }

    fn elements(&self) -> &'static [&'static str] {
        &["picture", "source"]
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        self.sources.meet(tag);
        self.preloaded |= tag.name() == "link" && tag.has_word("data-v", NAME);
        let met = self.follower.meet(tag);
        if tag.name() != "img" {
            return;
        }
        let is_largest_everywhere = in_every_group(&self.hints, &met, |_, _| true);
        let screens: Vec<Viewport> = met.iter().map(|(group, _)| group.viewport).collect();
        if screens.is_empty() {
            self.others_priority(tag, receipt);
            return;
        }
        self.absent = None;
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
            self.needs(tag, page, &screens, receipt);
        }
    }

    fn head_end(&mut self, page: &Page, receipt: &mut Receipt) -> Option<String> {
        if self.preloaded || page.base.is_some() {
            return None;
        }
        let mut markup = String::new();
        for preload in &page.facts.preloads {
            let address = preload.address().unwrap_or_default();
            let Some(url) = page.resolve(&address) else {
                continue;
            };
            if page.csp.image(&url).admit(receipt).is_some() {
                receipt.applied();
                receipt.note(|| format!("{address}: preloaded"));
                markup.push_str(&preload.markup(NAME));
            }
        }
        Some(markup)
    }

    fn document_end(&mut self, page: &Page, receipt: &mut Receipt) {
        if self.needed != page.facts.preloads {
            receipt.preloads = Some(std::mem::take(&mut self.needed));
        }
        if let Some(reason) = self.absent {
            receipt.stop(reason);
        }
    }
}

impl LcpImage {
    /// The largest image on some screens only: they alone are to fetch it early.
    fn needs(
        &mut self,
        tag: &Tag<'_, '_, '_>,
        page: &Page,
        screens: &[Viewport],
        receipt: &mut Receipt,
    ) {
        let new = |screens: &&Viewport| !self.needed_for.contains(screens);
        let preloads = screens.iter().filter(new).map(|screens| {
            if page.base.is_some() {
                return Err("the page has a `<base>`");
            }
            if tag.has_word("loading", "lazy") {
                return Err("the page loads it lazily");
            }
            self.sources.preloads(tag, *screens)
        });
        let preloads: Result<Vec<_>, _> = preloads.collect();
        match preloads {
            Ok(preloads) => {
                self.needed.extend(preloads.into_iter().flatten());
                self.needed_for.extend(screens);
                let known = !page.facts.preloads.is_empty();
                let what = if known { "is" } else { "will be" };
                receipt.note(|| {
                    let address = image::address(tag);
                    format!("{address}: the largest image on some screens, which {what} preloaded for them")
                });
            }
            Err(reason) => receipt.note(|| {
                let address = image::address(tag);
                format!("{address}: the largest image on some screens, left, {reason}")
            }),
        }
    }

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
