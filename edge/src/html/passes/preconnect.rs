//! ## What it does
//! Tells the browser early which other origins the page will need: one `<link rel="preconnect">` for each that the
//! merchant declares, and for those that real visits have shown to be used early; at most 3 in all.
//! ## Why it helps
//! Name look-up, connection and TLS with a stranger's server cost several round trips; they can pass while
//! the page is still arriving.
//! ## When it stays away
//! Where no origin is declared and none has been seen, in at least 60 % of the views of the template's pages, to be
//! used before the largest contentful paint; the shop's own origin, and origins that the page, or its `Link` header,
//! connects to already.
//! Nothing is inserted where it could push a `<meta charset>` out of the bytes that browsers search for it.
//! ## Example
//! With `origins = ["https://cdn.example"]`, the first style sheet or script of the head is preceded by
//! `<link rel="preconnect" href="https://cdn.example">`

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::super::hints::origin_of;
use super::super::link_header::Link;
use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::{Contract, Decision, Edit, Pass, Receipt};

/// Most origins: more would compete with the page itself for the first connections.
const MAX_ORIGINS: usize = 3;

/// What this pass declares of itself.
pub(super) const CONTRACT: Contract = Contract {
    edits: &[Edit::Inserts("link")],
    ..Contract::READS
};

/// `[passes.preconnect]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `true`; it changes nothing without origins, declared or learned.
    pub enabled: bool,
    /// Origins of scripts, style sheets and images. At most 3 together with `cors_origins`.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 3),
            extend("items" = serde_json::json!({"type": "string", "format": "http-origin"}))
        )
    )]
    pub origins: Vec<String>,
    /// Origins of fonts, and of what scripts fetch without cookies.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 3),
            extend("items" = serde_json::json!({"type": "string", "format": "http-origin"}))
        )
    )]
    pub cors_origins: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            origins: Vec::new(),
            cors_origins: Vec::new(),
        }
    }
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (key, origins) in [
            ("origins", &self.origins),
            ("cors_origins", &self.cors_origins),
        ] {
            for (i, written) in origins.iter().enumerate() {
                if origin_of(written).is_none() {
                    let why = format!("`{written}` is not an origin: write `https://host`");
                    problems.push((format!("{key}.{i}"), why));
                }
            }
        }
        if self.origins.len() + self.cors_origins.len() > MAX_ORIGINS {
            let why = format!("at most {MAX_ORIGINS} together with `cors_origins`");
            problems.push(("origins".to_owned(), why));
        }
        problems
    }
}

pub(super) fn decide(options: &Options, facts: &PageFacts) -> Decision {
    let wanted = wanted(options, facts);
    if wanted.is_empty() {
        return Decision::skip("no origins");
    }
    Decision::Apply(Box::new(Preconnect {
        wanted,
        present: in_link_headers(facts),
        done: false,
    }))
}

/// What is worth connecting to early: what is declared, then what has been learned, the surest first.
pub(super) fn wanted(options: &Options, facts: &PageFacts) -> Vec<Connection> {
    let declare = |cors: bool| move |written: &String| Some((origin_of(written)?, cors));
    let plain = options.origins.iter().filter_map(declare(false));
    let cors = options.cors_origins.iter().filter_map(declare(true));
    let hints = facts.hints.iter().flat_map(|hints| hints.connected_early());
    let learned = hints.filter_map(|hint| Some((origin_of(&hint.origin)?, hint.cors)));
    let own = facts.url.origin().ascii_serialization();
    let mut wanted: Vec<Connection> = Vec::new();
    for connection in plain.chain(cors).chain(learned) {
        if connection.0 != own && !wanted.contains(&connection) {
            wanted.push(connection);
        }
    }
    wanted.truncate(MAX_ORIGINS);
    wanted
}

/// An origin, and whether the connection is without credentials: browsers pool the two apart.
pub(super) type Connection = (String, bool);

struct Preconnect {
    wanted: Vec<Connection>,
    /// What the page connects to by itself, as far as it has been seen.
    present: Vec<Connection>,
    done: bool,
}

impl Pass for Preconnect {
    fn acts_in_body(&self) -> bool {
        false
    }

    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if self.done {
            return;
        }
        if tag.name() == "link" && tag.has_word("rel", "preconnect") {
            let url = tag.value("href").and_then(|href| page.resolve(&href));
            let cors = tag.has("crossorigin");
            self.present
                .extend(url.map(|url| (url.origin().ascii_serialization(), cors)));
            return;
        }
        if page.in_head && page.charset_settled && is_worth_preceding(tag) {
            let markup = self.insert(receipt);
            if !markup.is_empty() {
                tag.insert_before(&markup);
            }
        }
    }

    fn head_end(&mut self, _page: &Page, receipt: &mut Receipt) -> Option<String> {
        (!self.done).then(|| self.insert(receipt))
    }
}

impl Preconnect {
    fn insert(&mut self, receipt: &mut Receipt) -> String {
        self.done = true;
        let mut markup = String::new();
        for connection in &self.wanted {
            let (origin, cors) = connection;
            if self.present.contains(connection) {
                receipt.note(|| format!("{origin}: the page connects already"));
                continue;
            }
            receipt.applied();
            let cors = if *cors { " crossorigin" } else { "" };
            let _ = write!(
                markup,
                "<link rel=\"preconnect\" href=\"{origin}\"{cors} data-v=\"preconnect\">"
            );
        }
        if markup.is_empty() {
            receipt.stop("the page connects to every origin already");
        }
        markup
    }
}

/// Whether an element of the head makes the browser fetch or wait.
fn is_worth_preceding(tag: &Tag<'_, '_, '_>) -> bool {
    const FETCHING: [&str; 4] = ["stylesheet", "preload", "modulepreload", "prefetch"];
    match tag.name() {
        "script" | "style" => true,
        "link" => FETCHING.iter().any(|rel| tag.has_word("rel", rel)),
        _ => false,
    }
}

/// What the response's `Link` headers connect to, and what was sent ahead of it.
fn in_link_headers(facts: &PageFacts) -> Vec<Connection> {
    let early = facts.early.sent().iter();
    let early = early.flat_map(|value| Link::parse(value.to_str().unwrap_or_default()));
    let links = Link::of_headers(&facts.headers).into_iter().chain(early);
    let connections = links.filter(|link| link.is("preconnect"));
    connections
        .filter_map(|link| {
            let url = facts.url.join(&link.target).ok()?;
            Some((url.origin().ascii_serialization(), link.has("crossorigin")))
        })
        .collect()
}
