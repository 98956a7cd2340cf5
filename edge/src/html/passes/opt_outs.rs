//! ## What it does
//! Shows which parts of a page ask optimisers to leave them alone, and that Vitrine does. An attribute on an
//! element speaks for the element and everything in it:
//!
//! - `data-perf-ignore`: Vitrine's own
//! - `data-cfasync="false"`: Cloudflare's Rocket Loader
//! - `data-pagespeed-no-defer`: PageSpeed
//! - `data-no-optimize`: LiteSpeed, Autoptimize
//! - `data-no-defer`: LiteSpeed
//! - `nowprocket`: WP Rocket
//! ## Why it helps
//! Whoever wrote one of these had a reason: the script broke once, when another tool moved it. A shop does
//! not have to learn that twice.
//! ## When it stays away
//! Pages that nothing else is done to. The attributes are honoured on every page, whether or not this is
//! switched on: it makes them visible in `vitrine explain`, no more.
//! ## Example
//! With a rule for `https://tags.example/*`, the script in
//! `<div data-no-optimize><script src="https://tags.example/1.js"></script></div>` stays as it is.

use lol_html::html_content::Element;
use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Pass, Receipt};

/// An attribute by which a page opts an element, and everything in it, out of changes.
struct OptOut {
    attribute: &'static str,
    /// The value that it needs to have; `None`: any.
    value: Option<&'static str>,
    whose: &'static str,
}

/// Every opt-out there is: those that other optimisers honour, and our own.
const OPT_OUTS: [OptOut; 6] = [
    OptOut {
        attribute: "data-perf-ignore",
        value: None,
        whose: "Vitrine",
    },
    OptOut {
        attribute: "data-cfasync",
        value: Some("false"),
        whose: "Rocket Loader",
    },
    OptOut {
        attribute: "data-pagespeed-no-defer",
        value: None,
        whose: "PageSpeed",
    },
    OptOut {
        attribute: "data-no-optimize",
        value: None,
        whose: "LiteSpeed and Autoptimize",
    },
    OptOut {
        attribute: "data-no-defer",
        value: None,
        whose: "LiteSpeed",
    },
    OptOut {
        attribute: "nowprocket",
        value: None,
        whose: "WP Rocket",
    },
];

/// Whether an element opts out by itself.
///
/// Every element of a page is asked: the length of a name, which costs nothing, comes before the name.
pub(in super::super) fn is_asked_by(element: &Element<'_, '_>) -> bool {
    element.attributes().iter().any(|attribute| {
        let length = attribute.name_source_location().map(|name| name.bytes().len());
        let mut opt_outs = OPT_OUTS.iter();
        opt_outs.any(|opt_out| {
            length == Some(opt_out.attribute.len())
                && attribute.name() == opt_out.attribute
                && opt_out.value.is_none_or(|value| attribute.value() == value)
        })
    })
}

impl OptOut {
    fn written(&self) -> String {
        let attribute = self.attribute;
        match self.value {
            Some(value) => format!("[{attribute}=\"{value}\"]"),
            None => format!("[{attribute}]"),
        }
    }

    fn is_on(&self, tag: &Tag<'_, '_, '_>) -> bool {
        tag.has(self.attribute)
            && (self.value.is_none() || tag.raw(self.attribute).as_deref() == self.value)
    }
}

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract::READS;

/// `[passes.opt_outs]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether opt-outs are reported. They are honoured in any case.
    ///
    /// ### Default
    /// `true`
    pub enabled: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { enabled: true }
    }
}

pub(super) fn decide(_options: &Options, _facts: &PageFacts) -> Decision {
    Decision::Apply(Box::new(OptOuts { found: false }))
}

struct OptOuts {
    found: bool,
}

impl Pass for OptOuts {
    fn changes(&self) -> bool {
        false
    }

    fn redundant(&self, others: &[&Contract]) -> Option<&'static str> {
        let changes = |other: &&Contract| !other.edits.is_empty();
        (!others.iter().any(changes)).then_some("nothing is to be changed")
    }

    /// What no other pass looks at needs no opt-out.
    fn acts_in_body(&self) -> bool {
        false
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, _page: &Page, receipt: &mut Receipt) {
        if !tag.asks_to_be_left {
            return;
        }
        for opt_out in OPT_OUTS.iter().filter(|opt_out| opt_out.is_on(tag)) {
            self.found = true;
            receipt.note(|| {
                let (name, written) = (tag.name(), opt_out.written());
                let whose = opt_out.whose;
                format!("{name}{written} ({whose}): left as it is, with everything in it")
            });
        }
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        if !self.found {
            receipt.stop("nothing on the page opts out");
        }
    }
}
