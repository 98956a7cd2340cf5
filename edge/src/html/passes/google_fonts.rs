//! ## What it does
//! Serves Google Fonts from the shop's own address: the style sheet that a page links at
//! `fonts.googleapis.com`, and the font files that it names, the very same bytes. What a page does to connect
//! to Google's hosts beforehand is dropped.
//! ## Why it helps
//! Two strangers' servers fewer to look up, connect to and trust before text has its typeface, and no address
//! of a visitor goes to Google.
//! ## When it stays away
//! Where the page's content security policy does not let it load styles and fonts from the shop itself; links
//! with `integrity`; sheets that are cut down to certain letters (`text=`) or that a style sheet or a script
//! loads. `font-display` stays what the author chose. When Google cannot be reached, browsers are sent on to
//! the original.
//! ## Example
//! `<link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=Inter&display=swap">` becomes
//! `<link rel="stylesheet" href="/_v/fonts/css2?family=Inter&amp;display=swap">`

use serde::{Deserialize, Serialize};
use url::Url;

use super::super::csp::Ruling;
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt, css};
use crate::routes::fonts::{PREFIX, SHEETS};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Attribute("link", "href")],
    ..Contract::READS
};

/// Longest query that is taken, in bytes, as in the adapter.
const MAX_QUERY: usize = 2_000;

/// `[passes.google_fonts]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `false`
    pub enabled: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "every pass decides in this form")]
pub(super) fn decide(_options: &Options, _facts: &PageFacts) -> Decision {
    Decision::Apply(Box::new(GoogleFonts))
}

struct GoogleFonts;

impl Pass for GoogleFonts {
    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if tag.name() != "link" || tag.opted_out {
            return;
        }
        let Some(url) = tag.value("href").and_then(|href| page.resolve(&href)) else {
            return;
        };
        let is_googles = url.scheme() == "https"
            && matches!(url.host_str(), Some("fonts.googleapis.com" | "fonts.gstatic.com"));
        if !is_googles {
            return;
        }
        if let Err(why) = allowed(tag, page, receipt) {
            receipt.stop(why);
            return;
        }
        if tag.has_word("rel", "preconnect") || tag.has_word("rel", "dns-prefetch") {
            tag.remove("href");
            receipt.note(|| format!("{url} need not be connected to"));
            return;
        }
        if !css::is_sheet(tag) {
            return;
        }
        if tag.has("integrity") {
            receipt.note(|| format!("{url}: left, because its bytes are fixed by `integrity`"));
            return;
        }
        let Some(path) = ours(&url) else {
            receipt.note(|| format!("{url}: left, because it asks for more than whole families"));
            return;
        };
        tag.set_raw("href", &page.own_url(&path).replace('&', "&amp;"));
        receipt.applied();
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        if receipt.applied == 0 {
            receipt.stop("no style sheet of Google Fonts that could be served here");
        }
    }
}

/// Whether the page's policies let it load a sheet and its fonts from the shop. A link that had a nonce keeps
/// it, whatever its address.
fn allowed(tag: &Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) -> Result<(), &'static str> {
    let Ok(own) = page.facts.url.join(PREFIX) else {
        return Err("the page has no address");
    };
    let sheet = page.csp.external_style(&own);
    match &sheet.ruling {
        Ruling::WithNonce(nonce) if tag.raw("nonce").as_ref() != Some(nonce) => {
            return Err("the page's CSP does not allow style sheets of the shop");
        }
        _ => sheet.attribute(receipt)?,
    };
    page.csp.font(&own).attribute(receipt)?;
    Ok(())
}

/// A sheet of Google's at the shop's own address, where it only chooses among fonts.
fn ours(url: &Url) -> Option<String> {
    let query = url.query().filter(|query| query.len() <= MAX_QUERY)?;
    let known = |pair: &str| matches!(pair.split_once('='), Some(("family" | "display" | "subset", v)) if !v.is_empty());
    // What a quote would end, or a reference change, is not a family's name.
    let plain = query.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>`\\".contains(&b));
    let is_sheet = url.as_str().starts_with(SHEETS) && matches!(url.path(), "/css" | "/css2");
    (is_sheet && plain && url.port().is_none() && query.split('&').all(known))
        .then(|| format!("{PREFIX}{}?{query}", url.path()))
}
