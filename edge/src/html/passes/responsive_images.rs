//! ## What it does
//! Offers an image in several widths: an image that a rule names gets a `srcset` of smaller versions, which
//! Vitrine makes itself, and the `sizes` that the rule states. Where the page's style sheet cuts the image to a shape
//! anyway (`object-fit: cover`), the rule may have it cut before it is sent. Where `sizes` has an end, widths that no
//! screen takes are left out; the widest is there for who looks closely.
//! ## Why it helps
//! A phone that shows a picture 360 pixels wide need not load the one made for a desktop.
//! ## When it stays away
//! Everywhere without a rule. Images that have a `srcset`, stand in a `<picture>`, belong to a lazy loader, are
//! not JPEG, PNG or WebP of the shop itself, or opt out. A script that gives such an image another `src` still changes
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
use crate::sized::{self, Crop, Form, Quality, WIDEST};

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
    /// How wide these images are in the shop's own files; with `aspect`, how wide the part is that is kept.
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
    /// How good the versions look: few bytes, the web's standard, or good enough for looking closely.
    ///
    /// ### Default
    /// `"standard"`
    #[serde(default)]
    pub quality: Quality,
    /// The shape, width to height, that the page's style sheet cuts these images to. The versions have that shape; the
    /// image's own file, which older browsers and the first visitor may get, has its own.
    ///
    /// ### Default
    /// None: nothing is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "authoring", schemars(extend("enum" = sized::SHAPES)))]
    pub aspect: Option<String>,
    /// The point that a cut keeps nearest to the middle, in percent from the left and from the top.
    ///
    /// ### Default
    /// `"50-50"`
    #[serde(default = "middle")]
    #[cfg_attr(feature = "authoring", schemars(regex(pattern = "^(100|[1-9]?[0-9])-(100|[1-9]?[0-9])$")))]
    pub focus: String,
}

fn middle() -> String {
    "50-50".to_owned()
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

/// Pixels that the densest screens of phones have for one of the page's.
const DENSEST: f32 = 3.0;

/// The widths that are offered: those below the image's own, up to the first that is enough for any screen. Who zooms
/// in gets the image's own.
fn widths(rule: &Rule) -> impl Iterator<Item = u16> {
    let enough = widest_shown(&rule.sizes).map_or(f32::MAX, |shown| shown * DENSEST);
    let mut is_enough = false;
    let offered = sized::WIDTHS.into_iter().take_while(move |width| {
        let is_needed = !is_enough;
        is_enough = f32::from(*width) >= enough;
        is_needed
    });
    let full = rule.full_width_px;
    offered.filter(move |width| *width < full)
}

/// The widest that `sizes` comes to, in pixels of the page. `None` where that grows with the screen, or is calculated.
fn widest_shown(sizes: &str) -> Option<f32> {
    let number = |text: &str, unit| text.strip_suffix(unit)?.trim().parse::<f32>().ok();
    let shown = |one: &str| {
        let (condition, length) = one.rsplit_once(' ').unwrap_or(("", one));
        let of_screen = || {
            let screen = condition.trim().strip_prefix("(max-width:")?;
            let screen = number(screen.strip_suffix(')')?.trim(), "px")?;
            Some(number(length, "vw")? / 100.0 * screen)
        };
        number(length, "px").or_else(of_screen)
    };
    sizes.split(',').try_fold(0.0_f32, |widest, one| Some(widest.max(shown(one.trim())?)))
}

/// The `srcset` of an image: every width below its own, and itself. Where it is to be cut or of another quality than it
/// is in place, the widest version stands in its place: that is never wider than the image.
fn offer(url: &Url, rule: &Rule, page: &Page) -> Result<String, &'static str> {
    if !page.is_same_origin(url) {
        return Err("it is not the shop's own");
    }
    let path = url.path().to_ascii_lowercase();
    if ![".jpg", ".jpeg", ".png", ".webp"].iter().any(|suffix| path.ends_with(suffix)) {
        return Err("its address is not that of a JPEG, PNG or WebP");
    }
    let own = &url[Position::BeforePath..Position::AfterQuery];
    // A serialized URL is ASCII; what could end a candidate or the attribute is not offered.
    if own.contains([',', '"', '&', '<', ' ']) || own.starts_with("//") {
        return Err("its address cannot stand in a list");
    }
    let shape = rule.aspect.as_deref();
    let form = Form {
        quality: rule.quality,
        crop: shape.and_then(|shape| Crop::read(shape, &rule.focus)),
        ..Form::default()
    };
    let at = |width: u16| {
        let width = Some(width);
        sized::path(Form { width, ..form }, own, &page.facts.image_key.0)
    };
    let full = rule.full_width_px;
    let mut srcset = String::new();
    for width in widths(rule) {
        let _ = write!(srcset, "{} {width}w, ", page.own_url(&at(width)));
    }
    if form == Form::default() {
        let _ = write!(srcset, "{} {full}w", page.own_url(own));
    } else if full > WIDEST {
        srcset.truncate(srcset.len() - ", ".len());
    } else {
        let widest = at(sized::width_on_list(full));
        let _ = write!(srcset, "{} {full}w", page.own_url(&widest));
    }
    Ok(srcset)
}

#[cfg(test)]
mod tests {
    use super::widest_shown;

    #[test]
    fn what_a_page_shows_at_the_most_is_read_where_it_has_an_end() {
        for (sizes, widest) in [
            ("320px", Some(320.0)),
            ("(max-width: 600px) 50vw, 320px", Some(320.0)),
            ("(max-width:800px) 100vw, (max-width: 1200px) 50vw, 400px", Some(800.0)),
            ("(min-width: 1200px) 300px, 240px", Some(300.0)),
            ("100vw", None),
            ("(min-width: 600px) 50vw, 320px", None),
            ("(max-width: 40em) 50vw, 320px", None),
            ("calc(50vw - 10px), 320px", None),
            ("calc(100px + 2em)", None),
            ("", None),
        ] {
            assert_eq!(widest_shown(sizes), widest, "{sizes}");
        }
    }
}
