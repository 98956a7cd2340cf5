//! ## What it does
//! Tells the browser in the response's head, before the page itself arrives, to fetch the style sheets, fonts and
//! scripts that it would find late: one `Link` header with `rel=preload` for each, at most 6.
//! ## Why it helps
//! A font is found only when a style sheet has arrived and text needs it, and rendering waits. With a preload it is
//! on its way before the page is.
//! ## When it stays away
//! Until real visits have shown, for pages of the template, that rendering waits for the file and that it is found
//! late in at least 80 % of views (see `vitrine hints`). Files that the shop preloads itself, that the page's
//! content security policy does not allow, and that are neither the shop's own nor `https`. A style sheet or script
//! that a page of the template does not have in its markup, or fetches in another way, is never preloaded again
//! until hints are imported anew; so is a file that is not found.
//! ## Example
//! With a hint that `/fonts/shop.woff2` is found late, the page is sent with
//! `Link: </fonts/shop.woff2>; rel=preload; as=font; crossorigin; type="font/woff2"`

use http::header::LINK;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::super::csp::Ruling;
use super::super::hints::{CrossOrigin, ResourceHint, ResourceKind};
use super::super::link_header::Link;
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};

/// Most preloads: more would compete with the page itself for the first bytes.
const MAX_PRELOADS: usize = 6;

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Header("link")],
    ..Contract::READS
};

/// `[passes.preload]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `true`; it does nothing before something has been learned.
    pub enabled: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { enabled: true }
    }
}

pub(super) fn decide(_options: &Options, facts: &PageFacts) -> Decision {
    if facts.hints.is_none() {
        return Decision::skip("nothing has been learned of this template yet");
    }
    let wanted = wanted(facts);
    if wanted.is_empty() {
        return Decision::skip("nothing is known to be found late");
    }
    Decision::Apply(Box::new(Preload { wanted }))
}

/// What is worth a preload on the page, the surest first.
pub(super) fn wanted(facts: &PageFacts) -> Vec<Wanted> {
    let Some(hints) = &facts.hints else {
        return Vec::new();
    };
    let wanted = hints.found_late().into_iter().filter_map(|late| {
        let url = facts.url.join(&late.resource.url).ok()?;
        let is_own = url.origin() == facts.url.origin();
        (is_own || url.scheme() == "https").then(|| Wanted {
            resource: late.resource.clone(),
            media: late.media,
            url,
            found: false,
        })
    });
    wanted.take(MAX_PRELOADS).collect()
}

/// One resource that is wanted early.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    resource: ResourceHint,
    /// The screens that need it; `None` for all.
    media: Option<String>,
    url: Url,
    /// Whether the page has what fetches it.
    found: bool,
}

impl Wanted {
    /// The header. The target is written from the root where it is the shop's own, so that it is the shop that
    /// the visitor knows. The attributes are the consumer's, or the browser would fetch twice (H98).
    pub(super) fn link(&self, page: &Url) -> Option<HeaderValue> {
        let is_own = self.url.origin() == page.origin();
        let target = match &self.url {
            url if is_own => &url[url::Position::BeforePath..url::Position::AfterQuery],
            url => &url[..url::Position::AfterQuery],
        };
        let mut link = Link::new(target, "preload").with("as", Some(self.kind()));
        link = match self.mode() {
            None => link,
            Some(CrossOrigin::Anonymous) => link.with("crossorigin", None),
            Some(CrossOrigin::UseCredentials) => link.with("crossorigin", Some("use-credentials")),
        };
        let parameters = [
            ("type", &self.resource.media_type),
            ("integrity", &self.resource.integrity),
            ("media", &self.media),
        ];
        for (name, value) in parameters {
            if value.is_some() {
                link = link.with(name, value.as_deref());
            }
        }
        link.header()
    }

    /// Whether every screen needs it.
    pub(super) fn is_everywhere(&self) -> bool {
        self.media.is_none()
    }

    fn kind(&self) -> &'static str {
        match self.resource.kind {
            ResourceKind::Style => "style",
            ResourceKind::Font => "font",
            ResourceKind::Script => "script",
        }
    }

    /// Browsers fetch fonts without credentials, whatever their style sheet says.
    fn mode(&self) -> Option<CrossOrigin> {
        match self.resource.kind {
            ResourceKind::Font => Some(CrossOrigin::Anonymous),
            _ => self.resource.crossorigin,
        }
    }

    /// Whether the page's policy lets it in as it is: a header carries no nonce.
    fn is_allowed(&self, page: &Page) -> bool {
        let verdict = match self.resource.kind {
            ResourceKind::Style => page.csp.external_style(&self.url),
            ResourceKind::Font => page.csp.font(&self.url),
            ResourceKind::Script => page.csp.external_script(&self.url),
        };
        verdict.ruling == Ruling::Allowed
    }
}

struct Preload {
    wanted: Vec<Wanted>,
}

impl Pass for Preload {
    /// The rest of the page matters while something is still to be found in it.
    fn acts_in_body(&self) -> bool {
        self.wanted.iter().any(Wanted::is_missing)
    }

    fn response_headers(
        &mut self,
        page: &Page,
        receipt: &mut Receipt,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let present = preloaded_by_the_shop(&page.facts);
        let mut headers = Vec::new();
        for wanted in &self.wanted {
            let url = &wanted.url;
            let header = wanted.link(&page.facts.url);
            if present.contains(url) {
                receipt.note(|| format!("{url}: the shop's own header preloads it"));
            } else if !wanted.is_allowed(page) {
                // A policy is known only now, and an early hint would come before it.
                wanted.give_up(receipt, "the page's CSP does not allow it");
            } else if let Some(header) = header {
                receipt.applied();
                headers.push((LINK, header));
            }
        }
        if headers.is_empty() {
            receipt.stop("nothing that the page may preload and does not preload itself");
        }
        headers
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        let reference = match tag.name() {
            "link" => tag.value("href"),
            "script" => tag.value("src"),
            _ => return,
        };
        let Some(url) = reference.and_then(|reference| page.resolve(&reference)) else {
            return;
        };
        let Some(wanted) = self.wanted.iter_mut().find(|wanted| wanted.url == url) else {
            return;
        };
        match fit(tag, wanted) {
            Fit::Consumer => wanted.found = true,
            Fit::Not(why) if !wanted.found => {
                wanted.found = true;
                wanted.give_up(receipt, why);
            }
            Fit::Not(_) | Fit::Elsewhere => {}
        }
    }

    fn document_end(&mut self, _page: &Page, receipt: &mut Receipt) {
        for wanted in self.wanted.iter().filter(|wanted| wanted.is_missing()) {
            wanted.give_up(receipt, "the page does not have it");
        }
    }
}

impl Wanted {
    /// What is fetched by markup must be in the markup; a font is not.
    fn is_missing(&self) -> bool {
        !self.found && self.resource.kind != ResourceKind::Font
    }

    /// The hint does not fit the pages of the template: it is used no more (H99).
    fn give_up(&self, receipt: &mut Receipt, why: &str) {
        receipt.note(|| format!("{}: {why}; it is not preloaded any more", self.url));
        receipt.stale.push(self.resource.url.clone());
    }
}

/// How an element goes with a preload of the same address.
enum Fit {
    /// It fetches what is preloaded, in the same way.
    Consumer,
    /// It neither fetches nor preloads it.
    Elsewhere,
    /// With it, the preload is in vain.
    Not(&'static str),
}

fn fit(tag: &Tag<'_, '_, '_>, wanted: &Wanted) -> Fit {
    let is_script = tag.name() == "script";
    let is_preload = tag.has_word("rel", "preload") || tag.has_word("rel", "modulepreload");
    if !is_script && is_preload {
        return Fit::Not("the page preloads it itself");
    }
    let kind = match tag.name() {
        "script" => ResourceKind::Script,
        _ if tag.has_word("rel", "stylesheet")
            && !tag.has_word("rel", "alternate")
            && !tag.has("disabled") =>
        {
            ResourceKind::Style
        }
        _ => return Fit::Elsewhere,
    };
    if kind != wanted.resource.kind || (is_script && !is_classic(tag)) {
        return Fit::Not("the page uses it as something else");
    }
    if mode_of(tag) != wanted.mode() {
        return Fit::Not("the page fetches it with another `crossorigin`");
    }
    let integrity = tag.value("integrity").filter(|value| !value.is_empty());
    if integrity != wanted.resource.integrity {
        return Fit::Not("the page fetches it with another `integrity`");
    }
    Fit::Consumer
}

/// Whether a script runs as a classic one in browsers that know modules.
fn is_classic(tag: &Tag<'_, '_, '_>) -> bool {
    let kind = tag.value("type").unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let is_code = kind.is_empty() || kind.ends_with("/javascript") || kind.ends_with("/ecmascript");
    is_code && !tag.has("nomodule")
}

fn mode_of(tag: &Tag<'_, '_, '_>) -> Option<CrossOrigin> {
    let value = tag.value("crossorigin")?;
    Some(if value.eq_ignore_ascii_case("use-credentials") {
        CrossOrigin::UseCredentials
    } else {
        CrossOrigin::Anonymous
    })
}

/// What the response's own `Link` headers preload.
fn preloaded_by_the_shop(facts: &PageFacts) -> Vec<Url> {
    let links = Link::of_headers(&facts.headers).into_iter();
    let preloads = links.filter(|link| link.is("preload") || link.is("modulepreload"));
    preloads
        .filter_map(|link| facts.url.join(&link.target).ok())
        .collect()
}
