//! ## What it does
//! Sends the shop's own style sheets without comments and needless white space, at the same address. The
//! first visitors get a sheet as the shop sends it; a smaller one is made behind a response and takes its place
//! from then on.
//! ## Why it helps
//! A page shows nothing before its style sheets are there, and what only people read need not be waited for.
//! ## When it stays away
//! Sheets that are not understood to the last rule, that have a source map or another encoding than UTF-8, or
//! that would not be at least 5 % smaller; sheets of other hosts, and what asks for a sheet other than a page's
//! own `<link>`. A sheet whose bytes any page fixes by `integrity` stays as it is, and no sheet is touched before
//! 20 views of pages have linked it without. No rule, value, address or licence comment changes, nothing is
//! merged or moved, and a second parser must find that both sheets mean the same.
//! ## Example
//! `.price {\n  color: #c00; /* sale */\n}` arrives as `.price{color:#c00}`

use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Pass, Receipt};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract::READS;

/// Most sheets that are remembered of one page: more than any shop links, and a bound for a hostile page.
const MAX_SHEETS: usize = 32;

/// A style sheet of the shop, as a page links it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Path and query.
    pub address: String,
    /// Whether the page holds it to a digest of its bytes.
    pub pinned: bool,
}

/// `[passes.css]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether style sheets are made smaller.
    ///
    /// ### Default
    /// `false`
    pub enabled: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "every pass decides in this form")]
pub(super) fn decide(_options: &Options, _facts: &PageFacts) -> Decision {
    Decision::Apply(Box::new(Css))
}

/// Learns which sheets pages link, and how. What is done with a sheet is done when it is asked for.
struct Css;

impl Pass for Css {
    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        remember(tag, page, receipt);
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        let sheets = std::mem::take(&mut receipt.sheets);
        for sheet in &sheets {
            let how = if sheet.pinned { "left, because its bytes are fixed by `integrity`" } else { "linked" };
            receipt.note(|| format!("{}: {how}", sheet.address));
        }
        receipt.sheets = sheets;
        receipt.stop("it changes style sheets, not pages");
    }
}

/// Remembers a sheet of the shop's that the page links.
pub(super) fn remember(tag: &Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
    if !is_sheet(tag) {
        return;
    }
    let url = tag.value("href").and_then(|href| page.resolve(&href));
    let Some(url) = url.filter(|url| page.is_same_origin(url)) else {
        return;
    };
    let address = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    let pinned = tag.has("integrity") || tag.opted_out;
    let is_full = receipt.sheets.len() >= MAX_SHEETS;
    let mut known = receipt.sheets.iter_mut();
    match known.find(|sheet| sheet.address == address) {
        Some(known) => known.pinned |= pinned,
        None if is_full => {}
        None => receipt.sheets.push(Linked { address, pinned }),
    }
}

/// Whether an element links or preloads a style sheet.
pub(super) fn is_sheet(tag: &Tag<'_, '_, '_>) -> bool {
    tag.name() == "link"
        && (tag.has_word("rel", "stylesheet")
            || (tag.has_word("rel", "preload")
                && tag.value("as").is_some_and(|kind| kind.eq_ignore_ascii_case("style"))))
}
