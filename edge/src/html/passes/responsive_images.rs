//! ## What it does
//! Offers an image in several widths: an image that a rule names gets a `srcset` of smaller versions, which
//! Vitrine makes itself, and the `sizes` that the rule states.
//! ## Why it helps
//! A phone that shows a picture 360 pixels wide need not load the one made for a desktop.
//! ## When it stays away
//! Everywhere without a rule. Images that have a `srcset`, stand in a `<picture>`, belong to a lazy loader, are
//! not JPEG or PNG of the shop itself, or opt out. A script that gives such an image another `src` still changes
//! the picture: a small script of ours then takes the offer back; where the page's security policy does not allow
//! that script, nothing is done.
//! ## Example
//! With `selector = ".card img", full_width_px = 1200, sizes = "50vw"`, `<img src="/p/7.jpg">` in a card becomes
//! `<img src="/p/7.jpg" srcset="/_v/i/w320/p/7.jpg 320w, …, /p/7.jpg 1200w" sizes="50vw">`

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use url::{Position, Url};

use super::super::image;
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt, selector_problems};
use crate::own::SWAP_SCRIPT;
use crate::sized;

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[
        Edit::Attribute("img", "srcset"),
        Edit::Attribute("img", "sizes"),
        Edit::Attribute("img", "data-v-widths"),
        Edit::Inserts("script"),
    ],
    ..Contract::READS
};

/// `[passes.responsive_images]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `false`
    pub enabled: bool,
    /// Images that are offered in several widths. The first rule that names an image decides.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 32)))]
    pub rules: Vec<Rule>,
}

/// `[[passes.responsive_images.rules]]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A CSS selector, such as `".product-card img"`.
    ///
    /// ### Default
    /// None: a rule has one.
    #[cfg_attr(feature = "authoring", schemars(extend("format" = "css-selector")))]
    pub selector: String,
    /// How wide these images are in the shop's own files.
    ///
    /// ### Default
    /// None: a rule states it.
    #[cfg_attr(feature = "authoring", schemars(range(min = 161, max = 12_000)))]
    pub full_width_px: u16,
    /// How wide the page shows them, in the form of the attribute `sizes`.
    ///
    /// ### Default
    /// `"100vw"`
    #[serde(default = "full_viewport")]
    #[cfg_attr(feature = "authoring", schemars(regex(pattern = "^[A-Za-z0-9 ().,:%*/+-]{1,200}$")))]
    pub sizes: String,
}

fn full_viewport() -> String {
    "100vw".to_owned()
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        selector_problems(self.rules.iter().map(|rule| &rule.selector))
    }
}

pub(super) fn decide(options: &Options, _facts: &PageFacts) -> Decision {
    if options.rules.is_empty() {
        return Decision::skip("no rules");
    }
    Decision::Apply(Box::new(ResponsiveImages {
        rules: options.rules.clone(),
        refused: None,
        present: false,
    }))
}

struct ResponsiveImages {
    rules: Vec<Rule>,
    /// Why nothing is done on this page, once the end of its head has told.
    refused: Option<&'static str>,
    /// The page carries the script already: an edge behind an edge.
    present: bool,
}

impl Pass for ResponsiveImages {
    fn selectors(&self) -> Vec<String> {
        self.rules.iter().map(|rule| rule.selector.clone()).collect()
    }

    fn acts_in_body(&self) -> bool {
        self.refused.is_none()
    }

    fn head_end(&mut self, page: &Page, receipt: &mut Receipt) -> Option<String> {
        if self.present {
            return None;
        }
        let path = SWAP_SCRIPT.path();
        let url = page.facts.url.join(path).ok()?;
        match page.csp.external_script(&url).attribute(receipt) {
            Ok(nonce) => {
                let src = page.own_url(path);
                Some(format!(
                    "<script src=\"{src}\" async data-v=\"responsive_images\"{nonce}></script>"
                ))
            }
            Err(reason) => {
                self.refused = Some(reason);
                receipt.stop(reason);
                None
            }
        }
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        self.present |= tag.name() == "script"
            && tag.value("data-v").as_deref() == Some("responsive_images");
        if tag.name() != "img" || page.in_head || self.refused.is_some() {
            return;
        }
        let matching = |(i, _): &(usize, &Rule)| tag.matched(*i);
        let Some((number, rule)) = self.rules.iter().enumerate().find(matching) else {
            return;
        };
        let url = tag.value("src").and_then(|src| page.resolve(&src));
        let shown = || url.as_ref().map_or("", Url::path).to_owned();
        let offer = match (&url, refusal(tag)) {
            (_, Some(reason)) => Err(reason),
            (Some(url), None) => offer(url, rule, page),
            (None, None) => Err("it has no address"),
        };
        match offer {
            Ok(srcset) => {
                tag.set_raw("srcset", &srcset);
                tag.set_raw("sizes", &rule.sizes);
                tag.set_raw("data-v-widths", "");
                receipt.applied();
                receipt.note(|| format!("{}: in several widths, rule {}", shown(), number + 1));
            }
            Err(reason) => receipt.note(|| format!("{}: left, {reason}", shown())),
        }
    }
}

/// Why an image that a rule names is left as it is (H65, H66).
fn refusal(tag: &Tag<'_, '_, '_>) -> Option<&'static str> {
    if tag.opted_out {
        return Some(image::OPTED_OUT);
    }
    if tag.has("srcset") || tag.has("sizes") {
        return Some("it is offered in several widths already");
    }
    if tag.picture.is_some() {
        return Some("it is in a picture element");
    }
    image::has_lazy_loader(tag).then_some(image::LAZY_LOADER)
}

/// The `srcset` of an image: every width below its own, and itself.
fn offer(url: &Url, rule: &Rule, page: &Page) -> Result<String, &'static str> {
    if !page.is_same_origin(url) {
        return Err("it is not the shop's own");
    }
    let path = url.path().to_ascii_lowercase();
    if ![".jpg", ".jpeg", ".png"].iter().any(|suffix| path.ends_with(suffix)) {
        return Err("its address is not that of a JPEG or PNG");
    }
    let own = &url[Position::BeforePath..Position::AfterQuery];
    // A serialized URL is ASCII; what could end a candidate or the attribute is not offered.
    if own.contains([',', '"', '&', '<', ' ']) || own.starts_with("//") {
        return Err("its address cannot stand in a list");
    }
    let mut srcset = String::new();
    for width in sized::WIDTHS.iter().filter(|width| **width < rule.full_width_px) {
        let path = sized::path(*width, own);
        let _ = write!(srcset, "{} {width}w, ", page.own_url(&path));
    }
    let _ = write!(srcset, "{} {}w", page.own_url(own), rule.full_width_px);
    Ok(srcset)
}
