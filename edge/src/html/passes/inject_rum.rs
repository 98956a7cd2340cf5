//! ## What it does
//! Inserts the script that measures real page views: one `async` script element at the end of the head.
//! ## Why it helps
//! What visitors really see (LCP, INP, CLS) decides what is worth changing, and proves that a change helped.
//! ## When it stays away
//! Visitors outside the sample and pages without a token; pages that carry the script already; pages whose
//! content security policy does not allow the script or its beacon. A policy is never changed; a nonce that
//! the page uses is copied to the script.
//! ## Example
//! `</head>` becomes `<script src="/_v/rum/….js" async data-k="…"></script></head>`

use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};

/// Where the script sends what it measured.
const BEACON_PATH: &str = "/_v/b";
/// What every version of the script's path begins with.
const SCRIPT_PREFIX: &str = "/_v/rum/";

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Inserts("script")],
    ..Contract::READS
};

/// `[passes.inject_rum]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs. Who reports is set under `[rum]`.
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

pub(super) fn decide(_options: &Options, facts: &PageFacts) -> Decision {
    let Some(token) = facts.rum_token.clone() else {
        return Decision::skip("this page view is not measured");
    };
    if !is_plain(&token) || !is_plain(facts.rum_script) {
        return Decision::skip("the token cannot stand in an attribute");
    }
    Decision::Apply(Box::new(InjectRum {
        token,
        present: false,
    }))
}

/// Whether a text means itself in an attribute and in a URL path.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/._-~".contains(&b))
}

struct InjectRum {
    token: String,
    /// The page carries the script already: an edge behind an edge.
    present: bool,
}

impl Pass for InjectRum {
    fn acts_in_body(&self) -> bool {
        false
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, _receipt: &mut Receipt) {
        if tag.name() == "script" && tag.has("data-k") {
            let url = tag.value("src").and_then(|src| page.resolve(&src));
            self.present |= url.is_some_and(|url| {
                page.is_same_origin(&url) && url.path().starts_with(SCRIPT_PREFIX)
            });
        }
    }

    fn head_end(&mut self, page: &Page, receipt: &mut Receipt) -> Option<String> {
        if self.present {
            receipt.stop("the page carries the script already");
            return None;
        }
        let path = page.facts.rum_script;
        let site = &page.facts.url;
        let (script, beacon) = (site.join(path).ok()?, site.join(BEACON_PATH).ok()?);
        page.csp.beacon(&beacon).admit(receipt)?;
        let nonce = page.csp.external_script(&script).admit(receipt)?;
        receipt.applied();
        let (src, token) = (page.own_url(path), &self.token);
        Some(format!(
            "<script src=\"{src}\" async data-k=\"{token}\" data-v=\"inject_rum\"{nonce}></script>"
        ))
    }
}
