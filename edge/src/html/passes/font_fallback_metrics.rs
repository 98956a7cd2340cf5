//! ## What it does
//! Gives the text that waits for a web font a stand-in that takes the same room: a font of the visitor's system,
//! scaled to the width and the height of the web font. It does so for the most used web fonts, where the page
//! links them at Google Fonts or a style sheet of the shop's loads them. The stand-in's name goes behind the web
//! font's in the shop's style sheets, at the same address; the first visitors get a sheet as the shop sends it.
//! ## Why it helps
//! When the web font has come, text changes its look, but hardly a line breaks elsewhere, and next to nothing moves.
//! ## When it stays away
//! Lists of fonts that do not end in a generic family such as `sans-serif`, or that have a stand-in already.
//! Fonts whose measures are not known. Style sheets of other hosts or with a source map or an error, those whose
//! bytes any page fixes by `integrity`, and those that fewer than 20 views of pages have linked without; lists
//! within the page itself. Pages whose content security policy allows no inline style get no stand-in for what
//! they link at Google Fonts. Browsers that scale a font's width but not its height (Safari) get a stand-in only
//! where the width alone puts nothing further off. Letters beyond those of western languages keep the fonts that
//! the shop names, and when a font is loaded and shown (`font-display`) stays what the author chose.
//! ## Example
//! `body { font-family: Lato, sans-serif }` becomes
//! `body { font-family: Lato,"Lato v-fallback", sans-serif }`

use serde::{Deserialize, Serialize};
use url::Url;

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt, css};
use crate::fallback_fonts::{Family, family};
use crate::routes::fonts::SHEETS;

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Inserts("style")],
    ..Contract::READS
};

/// Most fonts of a page that get a stand-in: no page that is to load soon has more, and each takes a kilobyte.
const MAX_FONTS: usize = 6;

/// `[passes.font_fallback_metrics]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether web fonts get stand-ins of their size.
    ///
    /// ### Default
    /// `false`
    pub enabled: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "every pass decides in this form")]
pub(super) fn decide(_options: &Options, _facts: &PageFacts) -> Decision {
    Decision::Apply(Box::new(FontFallbackMetrics::default()))
}

/// Describes the stand-ins of what the page links at Google Fonts, and learns which sheets of the shop it links.
/// What is done with those is done when they are asked for.
#[derive(Default)]
struct FontFallbackMetrics {
    fonts: Vec<Family>,
    /// The page has been here before.
    is_done: bool,
}

impl Pass for FontFallbackMetrics {
    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if tag.name() == "style" {
            self.is_done |= tag.raw("data-v").as_deref() == Some("font_fallback_metrics");
            return;
        }
        css::remember(tag, page, receipt);
        if page.in_head && !tag.opted_out && css::is_sheet(tag) {
            let url = tag.value("href").and_then(|href| page.resolve(&href));
            for font in url.iter().flat_map(linked) {
                if self.fonts.len() < MAX_FONTS && !self.fonts.contains(&font) {
                    self.fonts.push(font);
                }
            }
        }
    }

    fn head_end(&mut self, page: &Page, receipt: &mut Receipt) -> Option<String> {
        if self.is_done || self.fonts.is_empty() {
            return None;
        }
        let rules: String = self.fonts.iter().map(|font| font.faces()).collect();
        let nonce = page.csp.inline_style(&rules).admit(receipt)?;
        for font in &self.fonts {
            receipt.applied();
            receipt.note(|| format!("{}: its stand-in is described", font.name()));
        }
        Some(format!(
            "<style data-v=\"font_fallback_metrics\"{nonce}>{rules}</style>"
        ))
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        receipt.stop(if self.is_done {
            "the page has its stand-ins already"
        } else {
            "the page links no known web font at Google Fonts; the shop's style sheets are looked at when they are asked for"
        });
    }
}

/// The known fonts that an address of Google's stands for, in whole.
fn linked(url: &Url) -> Vec<Family> {
    let is_googles = url.origin().ascii_serialization() == SHEETS && matches!(url.path(), "/css" | "/css2");
    let is_cut_down = url.query_pairs().any(|(name, _)| name == "text");
    if !is_googles || is_cut_down {
        return Vec::new();
    }
    let families = url.query_pairs().filter(|(name, _)| name == "family");
    let names = families.flat_map(|(_, value)| {
        let names = value.split('|').map(|family| family.split(':').next().unwrap_or_default().to_owned());
        names.collect::<Vec<_>>()
    });
    names.filter_map(|name| family(name.trim())).collect()
}
