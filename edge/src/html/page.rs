//! What is known about a page: before its first byte, and while it streams.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use http::{HeaderMap, HeaderValue};
use url::Url;

use super::csp::Csp;
use super::hints::TemplateHints;
use super::image_preload::ImagePreload;

/// What the edge knows about a page before its first byte.
#[derive(Debug, Clone)]
pub struct PageFacts {
    /// The page's public URL, as the visitor's browser knows it.
    pub url: Url,
    /// The template that the merchant's patterns give it.
    pub template: String,
    /// The origin's response headers: content type, content security policy, `Link`.
    pub headers: HeaderMap,
    /// The signed token of this page view. `None` when the visitor reports nothing.
    pub rum_token: Option<String>,
    /// Path of the beacon script.
    pub rum_script: &'static str,
    /// What has been learned of the template from real visits.
    pub hints: Option<Rc<TemplateHints>>,
    /// What the largest images of this very page are, by earlier views of it.
    pub preloads: Vec<ImagePreload>,
    /// What was sent ahead of the page, or why nothing was.
    pub early: EarlyHints,
    /// What the visitor's browser may fetch ahead (speculation rules), or why nothing.
    pub rules: Result<String, &'static str>,
    /// Parts of the page that passes leave alone.
    pub exceptions: Vec<Exception>,
    /// Passes that are off although the options have them on, and why.
    pub off: BTreeMap<String, String>,
    /// Signs addresses of images that passes write.
    pub image_key: ImageKey,
    /// The page is only looked at: nothing that passes do reaches anybody.
    pub observed: bool,
    /// Takes the time of each pass; without it no time is taken.
    pub clock: Option<Clock>,
}

impl PageFacts {
    /// A page of which nothing else is known.
    pub fn new(url: Url, template: impl Into<String>, headers: HeaderMap) -> Self {
        Self {
            url,
            template: template.into(),
            headers,
            rum_token: None,
            rum_script: "",
            hints: None,
            preloads: Vec::new(),
            early: EarlyHints::Not("the host does not send them"),
            rules: Err("nothing is kept for this page's visitors"),
            exceptions: Vec::new(),
            off: BTreeMap::new(),
            image_key: ImageKey::default(),
            observed: false,
            clock: None,
        }
    }
}

/// What went to the visitor ahead of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EarlyHints {
    /// These values of `Link`.
    Sent(Vec<HeaderValue>),
    /// Nothing, and why.
    Not(&'static str),
}

impl EarlyHints {
    /// What was sent.
    pub fn sent(&self) -> &[HeaderValue] {
        match self {
            Self::Sent(links) => links,
            Self::Not(_) => &[],
        }
    }
}

/// Elements, with everything in them, that some passes leave alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Which elements.
    pub selector: String,
    /// Which passes.
    pub passes: Vec<String>,
}

/// A key that addresses of images are signed with. Empty: they need no signature.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ImageKey(pub String);

impl fmt::Debug for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImageKey([redacted])")
    }
}

/// A clock that only ever goes on, in microseconds from an arbitrary beginning.
#[derive(Clone)]
pub struct Clock(pub Rc<dyn Fn() -> u64>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What has been seen of a page so far. Passes read it; only the rewriter writes it.
pub(super) struct Page {
    pub(super) facts: PageFacts,
    /// The first `<base href>`, resolved.
    pub(super) base: Option<Url>,
    /// The policies of the headers, and of each `<meta>` met so far.
    pub(super) csp: Csp,
    /// Whether the browser's guess of the character encoding can no longer be moved by what is inserted.
    pub(super) charset_settled: bool,
    /// Whether the head is still open.
    pub(super) in_head: bool,
    /// Another optimiser that decides when the page's scripts run.
    pub(super) other_optimiser: Option<&'static str>,
    /// The reference that was last resolved: passes ask for the same one in turn.
    resolved: RefCell<(String, Option<Url>)>,
}

impl Page {
    pub(super) fn new(facts: PageFacts) -> Self {
        Self {
            base: None,
            csp: Csp::of(facts.url.clone(), &facts.headers),
            facts,
            charset_settled: false,
            in_head: true,
            other_optimiser: None,
            resolved: RefCell::default(),
        }
    }

    /// From here on, references are relative to this one.
    pub(super) fn rebase(&mut self, href: &str) {
        self.base = self.facts.url.join(href.trim()).ok();
        self.resolved.take();
    }

    /// Resolves a URL as the browser does at this point of the page.
    pub(super) fn resolve(&self, reference: &str) -> Option<Url> {
        let (last, url) = &mut *self.resolved.borrow_mut();
        if last != reference || url.is_none() {
            reference.clone_into(last);
            let base = self.base.as_ref().unwrap_or(&self.facts.url);
            *url = base.join(reference.trim()).ok();
        }
        url.clone()
    }

    /// Whether a URL is the page's own origin.
    pub(super) fn is_same_origin(&self, url: &Url) -> bool {
        url.origin() == self.facts.url.origin()
    }

    /// Writes a same-site path so that `<base href>` cannot send it elsewhere.
    pub(super) fn own_url<'a>(&self, path: &'a str) -> Cow<'a, str> {
        match &self.base {
            Some(base) if !self.is_same_origin(base) => Cow::Owned(format!(
                "{}{path}",
                self.facts.url.origin().ascii_serialization()
            )),
            _ => Cow::Borrowed(path),
        }
    }
}
