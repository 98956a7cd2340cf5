//! ## What it does
//! Tells browsers which links of the shop they may fetch ahead (speculation rules): by default when a visitor has
//! begun to press on a link, with `moderate` when the pointer rests on it. What is fetched ahead is answered from
//! pages that are kept at the edge (`cache.pages`), or not at all: the shop never sees it.
//! ## Why it helps
//! The next page is there when the visitor's finger leaves the button. A page that is fetched ahead costs the shop
//! nothing.
//! ## When it stays away
//! Where no pages are kept; for visitors who save data, have a slow connection, or have cookies of the shop, such
//! as a cart; on pages that state rules of their own. Cart, checkout and account, links with a query, to files, to
//! other sites, with `rel=nofollow`, `download`, `target=_blank`, and everything in a `[data-no-prefetch]` is never
//! fetched ahead. When a visitor changes a cart or logs in or out, what was fetched ahead is thrown away. While the
//! pass is on and pages are kept, pages that the shop's own rules want fetched ahead are answered in the same way.
//! ## Example
//! With `pages = ["product"]` under `[cache]`, `</head>` becomes `<script type="speculationrules">{"prefetch":…}
//! </script></head>`. Where the page's content security policy does not allow that, the response gets a
//! `Speculation-Rules` header instead.

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};
use crate::own;

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Inserts("script"), Edit::Header("speculation-rules")],
    ..Contract::READS
};

const HEADER: HeaderName = HeaderName::from_static("speculation-rules");
const OWN_RULES: &str = "the page has speculation rules of its own";

/// `[passes.speculation_rules]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `true`; it changes nothing without `cache.pages`.
    pub enabled: bool,
    /// When a browser fetches ahead: `conservative` when a link is being pressed, `moderate` when the pointer
    /// rests on it.
    ///
    /// ### Default
    /// `"conservative"`
    pub eagerness: Eagerness,
    /// Whether pages are also run ahead. That waits until pages are shared between visitors; `true` is refused.
    ///
    /// ### Default
    /// `false`
    pub prerender: bool,
}

/// When a browser fetches ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Eagerness {
    /// When a link is being pressed.
    #[default]
    Conservative,
    /// When the pointer rests on a link.
    Moderate,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            eagerness: Eagerness::Conservative,
            prerender: false,
        }
    }
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let why = "pages are fetched ahead, and not run ahead until they are shared: remove the line";
        let refused = self.prerender.then(|| ("prerender".to_owned(), why.to_owned()));
        refused.into_iter().collect()
    }
}

pub(super) fn decide(_options: &Options, facts: &PageFacts) -> Decision {
    if facts.headers.contains_key(&HEADER) {
        return Decision::skip(OWN_RULES);
    }
    match &facts.rules {
        Ok(rules) => Decision::Apply(Box::new(SpeculationRules {
            rules: rules.clone(),
            done: false,
        })),
        Err(reason) => Decision::skip(reason),
    }
}

struct SpeculationRules {
    rules: String,
    /// The page has rules: its own, or ours in the header.
    done: bool,
}

impl Pass for SpeculationRules {
    fn acts_in_body(&self) -> bool {
        false
    }

    /// The header form, where the policy in the headers lets no rules stand in the page. A policy in `<meta>`
    /// comes too late for that.
    fn response_headers(
        &mut self,
        page: &Page,
        receipt: &mut Receipt,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let verdict = page.csp.speculation_rules(&self.rules);
        if verdict.refusal().or(verdict.reported).is_none() {
            return Vec::new();
        }
        let file = own::speculation_rules(&self.rules);
        let Ok(value) = HeaderValue::from_str(&format!("\"{}\"", file.path())) else {
            return Vec::new();
        };
        self.done = true;
        receipt.applied();
        receipt.note_once("in a header, because the page's CSP does not allow them in the page".into());
        vec![(HEADER, value)]
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, _page: &Page, receipt: &mut Receipt) {
        let kind = tag.value("type").unwrap_or_default();
        if tag.name() == "script" && kind.trim().eq_ignore_ascii_case("speculationrules") {
            self.done = true;
            receipt.stop(OWN_RULES);
        }
    }

    fn head_end(&mut self, page: &Page, receipt: &mut Receipt) -> Option<String> {
        if self.done {
            return None;
        }
        // Paths in the rules are read from the page's base.
        if page.base.as_ref().is_some_and(|base| !page.is_same_origin(base)) {
            receipt.stop("the page's <base> is of another site");
            return None;
        }
        let rules = &self.rules;
        let nonce = page.csp.speculation_rules(rules).admit(receipt)?;
        receipt.applied();
        Some(format!(
            "<script type=\"speculationrules\" data-v=\"speculation_rules\"{nonce}>{rules}</script>"
        ))
    }
}
