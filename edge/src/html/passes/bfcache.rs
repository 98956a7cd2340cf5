//! ## What it does
//! Looks for what keeps a page from being kept for the back button (the back/forward cache): `Cache-Control:
//! no-store`, and handlers of `unload`. `vitrine explain` lists what was found and what to do about it. With
//! `deny_unload`, browsers are told to let no script use `unload` on the page.
//! ## Why it helps
//! A page that the browser has kept comes back at once, without a request.
//! ## When it stays away
//! It only reports, unless `deny_unload` is on; then it leaves a page alone that has a `Permissions-Policy`
//! of its own. Vitrine itself never adds `no-store` or an `unload` handler to a page.
//! ## Example
//! A page sent with `Cache-Control: no-store` gets the note: the shop forbids to keep the page (`no-store`);
//! `no-cache` would do for a page without account data.

use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue};
use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};
use crate::headers::tokens;

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Header("permissions-policy")],
    ..Contract::READS
};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// `[passes.bfcache]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether pages are looked at.
    ///
    /// ### Default
    /// `true`
    pub enabled: bool,
    /// Whether browsers are told to ignore `unload` handlers (`Permissions-Policy: unload=()`). A script that
    /// saves something when the visitor leaves must then use `pagehide`.
    ///
    /// ### Default
    /// `false`
    pub deny_unload: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            deny_unload: false,
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "every pass decides in this form")]
pub(super) fn decide(options: &Options, facts: &PageFacts) -> Decision {
    Decision::Apply(Box::new(Bfcache {
        deny_unload: options.deny_unload && !facts.headers.contains_key(PERMISSIONS_POLICY),
        found: false,
    }))
}

struct Bfcache {
    deny_unload: bool,
    found: bool,
}

impl Pass for Bfcache {
    fn changes(&self) -> bool {
        self.deny_unload
    }

    fn acts_in_body(&self) -> bool {
        false
    }

    fn reads_inline_scripts(&self) -> bool {
        true
    }

    fn response_headers(
        &mut self,
        page: &Page,
        receipt: &mut Receipt,
    ) -> Vec<(HeaderName, HeaderValue)> {
        if tokens(&page.facts.headers, &CACHE_CONTROL).any(|token| token == "no-store") {
            self.report(receipt, "the shop forbids to keep the page (`no-store`); `no-cache` would do for a page without account data");
        }
        if !self.deny_unload {
            return Vec::new();
        }
        receipt.applied();
        receipt.note(|| "browsers are told to ignore `unload` handlers".into());
        vec![(PERMISSIONS_POLICY, HeaderValue::from_static("unload=()"))]
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, _page: &Page, receipt: &mut Receipt) {
        if tag.has("onunload") {
            self.report(receipt, "an element has an `onunload` handler; `pagehide` does not keep the page from being kept");
        }
    }

    fn inline_script(&mut self, text: &[u8], _page: &Page, receipt: &mut Receipt) {
        if listens_to_unload(text) {
            self.report(receipt, "an inline script listens to `unload`; `pagehide` does not keep the page from being kept");
        }
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        if !self.found {
            receipt.stop("nothing was found that keeps browsers from keeping the page");
        } else if receipt.applied == 0 {
            receipt.stop("it only reports");
        }
    }
}

impl Bfcache {
    fn report(&mut self, receipt: &mut Receipt, note: &'static str) {
        self.found = true;
        receipt.note(|| note.to_owned());
    }
}

/// Whether a script listens to `unload` (and not to `beforeunload`, which browsers forgive).
fn listens_to_unload(text: &[u8]) -> bool {
    memmem::find_iter(text, b"unload").any(|at| {
        let (before, after) = (&text[..at], text.get(at + "unload".len()));
        let quoted = |quote| before.last() == Some(&quote) && after == Some(&quote);
        quoted(b'\'') || quoted(b'"') || before.ends_with(b".on")
    })
}
