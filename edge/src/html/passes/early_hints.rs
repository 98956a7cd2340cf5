//! ## What it does
//! Sends the browser what `preconnect` and `preload` know about the page before the shop has answered, in a response
//! of its own (`103 Early Hints`), at most 6 links in 1 KB. The page itself repeats them in its `Link` header.
//! ## Why it helps
//! While the shop makes the page, the browser would wait; so it connects, and fetches, in that time.
//! ## When it stays away
//! On hosts that cannot send it: of those that Vitrine runs on, Fastly can. Without HTTP/2 or HTTP/3; for anything but a
//! visitor's own navigation; for crawlers; where the shop usually answers within 100 ms; on payment pages, and for
//! visitors who are held back. Safari gets connections only, because it takes no other hint. Files that only some
//! screens need are not sent ahead.
//! ## Example
//! While the shop makes a product page, the visitor gets `103 Early Hints` with
//! `Link: <https://cdn.example>; rel=preconnect` and `Link: </shop.css>; rel=preload; as=style`

use http::header::LINK;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::super::link_header::Link;
use super::super::page::{EarlyHints as Early, Page, PageFacts};
use super::{Config, Contract, Decision, Edit, Pass, Receipt, preconnect, preload};

/// Most links: what is sent ahead competes with the page.
const MAX_LINKS: usize = 6;
/// Most bytes of all values: early hints are to fit in one packet.
const MAX_BYTES: usize = 1024;

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Header("link")],
    ..Contract::READS
};

/// `[passes.early_hints]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `true`; it does nothing on hosts that cannot send early hints, and without `preconnect` and `preload`.
    pub enabled: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { enabled: true }
    }
}

pub(super) fn decide(_options: &Options, facts: &PageFacts) -> Decision {
    match &facts.early {
        Early::Sent(links) => Decision::Apply(Box::new(EarlyHints {
            links: links.clone(),
        })),
        Early::Not(why) => Decision::skip(why),
    }
}

/// What may be sent ahead of a page: of the response nothing is known yet.
pub(crate) fn links(config: &Config, facts: &PageFacts, preloads: bool) -> Vec<HeaderValue> {
    let mut links = Vec::new();
    if config.preconnect.enabled {
        let wanted = preconnect::wanted(&config.preconnect, facts).into_iter();
        links.extend(wanted.filter_map(|(origin, cors)| {
            let link = Link::new(origin, "preconnect");
            let link = if cors {
                link.with("crossorigin", None)
            } else {
                link
            };
            link.header()
        }));
    }
    if config.preload.enabled && preloads {
        let wanted = preload::wanted(facts).into_iter();
        let everywhere = wanted.filter(preload::Wanted::is_everywhere);
        links.extend(everywhere.filter_map(|wanted| wanted.link(&facts.url)));
    }
    let mut bytes = 0;
    links.retain(|link| {
        let fits = bytes + link.len() <= MAX_BYTES;
        bytes += if fits { link.len() } else { 0 };
        fits
    });
    links.truncate(MAX_LINKS);
    links
}

struct EarlyHints {
    links: Vec<HeaderValue>,
}

impl Pass for EarlyHints {
    fn acts_in_body(&self) -> bool {
        false
    }

    /// The response repeats what was sent ahead; preloads are repeated by `preload`, which now knows the page's
    /// policy.
    fn response_headers(
        &mut self,
        page: &Page,
        receipt: &mut Receipt,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let present = Link::of_headers(&page.facts.headers);
        let mut headers = Vec::new();
        for value in &self.links {
            receipt.applied();
            let shown = value.to_str().unwrap_or_default();
            receipt.note(|| format!("sent ahead: {shown}"));
            let link = Link::parse(shown).into_iter().next();
            if link.is_some_and(|link| link.is("preconnect") && !present.contains(&link)) {
                headers.push((LINK, value.clone()));
            }
        }
        headers
    }
}
