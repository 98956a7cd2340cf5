//! ## What it does
//! Notices that another page optimiser has been at the page (Rocket Loader, WP Rocket, LiteSpeed, PageSpeed,
//! NitroPack, Speed Kit and others), and keeps Vitrine from changing when scripts run on it. It changes
//! nothing itself.
//! ## Why it helps
//! Two tools that both decide when scripts run undo each other's order, and the page breaks in ways that
//! neither maker has ever seen.
//! ## When it stays away
//! Pages on which no script is to be moved anyway. What Vitrine does to images, fonts and connections goes
//! on. Switched off, Vitrine moves scripts beside another optimiser: only for those who know that the two
//! never meet.
//! ## Example
//! On a page with `<script type="rocketlazyloadscript">` no rule for third-party scripts applies, and
//! `vitrine explain` names WP Rocket as the reason.

use http::HeaderMap;
use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract::READS;

/// `[passes.other_optimisers]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
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
    Decision::Apply(Box::new(OtherOptimisers { found: false }))
}

struct OtherOptimisers {
    found: bool,
}

impl Pass for OtherOptimisers {
    fn changes(&self) -> bool {
        false
    }

    fn redundant(&self, others: &[&Contract]) -> Option<&'static str> {
        let moves = |other: &&Contract| other.edits.contains(&Edit::MovesScripts);
        (!others.iter().any(moves)).then_some("no script is to be moved")
    }

    fn acts_in_body(&self) -> bool {
        !self.found
    }

    fn reads_inline_scripts(&self) -> bool {
        true
    }

    fn begin(&mut self, page: &Page, receipt: &mut Receipt) {
        let sign = in_headers(&page.facts.headers);
        self.found(sign, || "a response header".to_owned(), receipt);
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, _page: &Page, receipt: &mut Receipt) {
        if !self.found && tag.name() == "script" {
            self.found(in_tag(tag), || "a script element".to_owned(), receipt);
        }
    }

    fn inline_script(&mut self, text: &[u8], _page: &Page, receipt: &mut Receipt) {
        if !self.found {
            self.found(in_script(text), || "an inline script".to_owned(), receipt);
        }
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        if !self.found {
            receipt.stop("no other optimiser is at work");
        }
    }
}

impl OtherOptimisers {
    fn found(
        &mut self,
        optimiser: Option<&'static str>,
        sign: impl FnOnce() -> String,
        receipt: &mut Receipt,
    ) {
        if let Some(name) = optimiser {
            self.found = true;
            receipt.leave_scripts_to(name);
            receipt.note(|| format!("{name} is at work, {} says", sign()));
        }
    }
}

/// By the headers that an optimiser leaves.
fn in_headers(headers: &HeaderMap) -> Option<&'static str> {
    [
        ("x-mod-pagespeed", "PageSpeed"),
        ("x-page-speed", "PageSpeed"),
        ("x-nitro-cache", "NitroPack"),
        ("x-speedkit", "Speed Kit"),
    ]
    .into_iter()
    .find_map(|(header, name)| headers.contains_key(header).then_some(name))
}

/// By what an optimiser has made of a script element.
fn in_tag(tag: &Tag<'_, '_, '_>) -> Option<&'static str> {
    const TYPES: [(&str, &str); 10] = [
        ("text/psajs", "PageSpeed"),
        ("litespeed/javascript", "LiteSpeed"),
        ("rocketlazyloadscript", "WP Rocket"),
        ("text/rocketscript", "Rocket Loader"),
        ("-text/javascript", "Rocket Loader"),
        ("nitropack/", "NitroPack"),
        ("pmdelayedscript", "Perfmatters"),
        ("text/phast", "Phast"),
        ("text/debloat-script", "Debloat"),
        ("javascript/blocked", "WP Meteor"),
    ];
    const ADDRESSES: [(&str, &str); 6] = [
        ("rocket-loader", "Rocket Loader"),
        ("pagespeed_static", "PageSpeed"),
        ("nitropack", "NitroPack"),
        ("nitrocdn", "NitroPack"),
        ("speedkit", "Speed Kit"),
        ("speed-kit", "Speed Kit"),
    ];
    const ATTRIBUTES: [(&str, &str); 3] = [
        ("data-rocket-", "WP Rocket"),
        ("data-nitro-", "NitroPack"),
        ("data-wpmeteor-", "WP Meteor"),
    ];
    let written = |attribute: &str, marks: &[(&str, &'static str)]| {
        let value = tag.value(attribute)?.to_ascii_lowercase();
        let mut marks = marks.iter();
        marks.find_map(|(mark, name)| value.contains(mark).then_some(*name))
    };
    let named = || {
        let mut marks = ATTRIBUTES.iter();
        marks.find_map(|(prefix, name)| tag.has_prefixed(prefix).then_some(*name))
    };
    written("type", &TYPES)
        .or_else(|| written("src", &ADDRESSES))
        .or_else(named)
}

/// An optimiser's loader says who it is near its beginning; what follows can be long data of the shop's.
const SEARCHED: usize = 16 << 10;

/// By an optimiser's inline loader.
fn in_script(text: &[u8]) -> Option<&'static str> {
    let text = &text[..text.len().min(SEARCHED)];
    [
        ("RocketLazyLoadScripts", "WP Rocket"),
        ("__cfRLUnblockHandlers", "Rocket Loader"),
        ("NitroPack", "NitroPack"),
        ("litespeed_load_delayed_js", "LiteSpeed"),
        ("speedKit", "Speed Kit"),
        ("pmDelayedScripts", "Perfmatters"),
    ]
    .into_iter()
    .find_map(|(mark, name)| memmem::find(text, mark.as_bytes()).map(|_| name))
}
