//! The second parser: reads a page before and after rewriting with another parser than the rewriter's, and
//! reports whatever differs beyond what the passes at work have declared ([`Edit`]).
//!
//! Elements that an applied pass inserts carry `data-v` with its name; without them, and apart from declared
//! attributes, the two documents have to be the same, node by node. Scripts then run in the same order, and
//! text, links, forms, ids and data are what they were. The kind of a violation names what a merchant stands
//! to lose.

pub mod dom;
mod lines;
pub(crate) mod sampled;

use std::fmt;

pub use dom::TooLarge;

use http::HeaderMap;
use url::Url;

use crate::config::Policy;
use crate::html::passes::{CONTRACTS, Contract, Edit, NAMES};
use crate::html::{PageFacts, PassReport, Rewriter};
use crate::route;
use dom::Node;
use lines::{Difference, Lines};

/// Most violations reported of a page: the first few tell what is wrong.
const MAX_VIOLATIONS: usize = 8;
/// Longest excerpt, in bytes.
const MAX_EXCERPT: usize = 160;

/// What a violation touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A script that runs, or when it runs.
    Scripts,
    /// Module scripts and what they are resolved with.
    Modules,
    /// What a visitor reads.
    Text,
    /// Where links lead.
    Links,
    /// Forms and their controls.
    Forms,
    /// What scripts and style sheets find elements by.
    Ids,
    /// Structured data for search engines.
    JsonLd,
    /// The title.
    Title,
    /// Robots, description, canonical address, languages, previews.
    Meta,
    /// Hashes that guard scripts and style sheets.
    Integrity,
    /// Data that scripts read from the page.
    InlineData,
    /// Style sheets.
    Styles,
    /// Anything else of the document.
    Markup,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scripts => "scripts",
            Self::Modules => "modules and import maps",
            Self::Text => "text",
            Self::Links => "links",
            Self::Forms => "forms",
            Self::Ids => "ids",
            Self::JsonLd => "JSON-LD",
            Self::Title => "title",
            Self::Meta => "meta data",
            Self::Integrity => "integrity",
            Self::InlineData => "inline data",
            Self::Styles => "styles",
            Self::Markup => "markup",
        })
    }
}

/// One thing that differs and should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The pass that did it, where it can be told; else every pass that was at work.
    pub passes: Vec<String>,
    /// What it touches.
    pub kind: Kind,
    /// Where, in names of elements and attributes only: it can stand in a log.
    pub place: String,
    /// What the page had there, cut short.
    pub expected: String,
    /// What there is, cut short.
    pub found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({}): expected {}, found {}",
            self.kind,
            self.place,
            self.passes.join(", "),
            self.expected,
            self.found
        )
    }
}

/// Holds a page against what it was before these passes.
pub fn check(original: &[u8], output: &[u8], applied: &[&str]) -> Result<Vec<Violation>, TooLarge> {
    check_by(CONTRACTS, original, output, applied)
}

/// Like [`check`], by contracts of one's own.
pub fn check_by(
    contracts: &[(&str, Contract)],
    original: &[u8],
    output: &[u8],
    applied: &[&str],
) -> Result<Vec<Violation>, TooLarge> {
    if original == output {
        return Ok(Vec::new());
    }
    let allowed = Allowed::of(contracts, applied);
    let (before, after) = (dom::nodes(original)?, dom::nodes(output)?);
    let mut violations: Vec<Violation> = Lines::new(&allowed, &before, &after)
        .compare()
        .iter()
        .map(|difference| allowed.violation(difference))
        .collect();
    violations.extend(allowed.early_module(&after));
    violations.truncate(MAX_VIOLATIONS);
    Ok(violations)
}

/// A page, rewritten by a policy and held against what it was.
#[derive(Debug)]
pub struct Audited {
    /// What each pass did.
    pub passes: Vec<PassReport>,
    /// What differs and should not.
    pub violations: Result<Vec<Violation>, TooLarge>,
}

/// Rewrites a page as a policy says, for a visitor who is not measured, and holds it against what it was.
pub fn page(policy: &Policy, url: Url, headers: HeaderMap, page: &[u8]) -> Audited {
    let template = route::template(url.path(), policy).to_owned();
    let (passes, exceptions) = policy.passes_for(&template, url.path());
    let facts = PageFacts {
        exceptions,
        ..PageFacts::new(url, template, headers)
    };
    let mut rewriter = Rewriter::new(&passes, facts);
    let mut output = rewriter.write(page);
    output.extend(rewriter.end());
    Audited {
        passes: rewriter.reports(),
        violations: check(page, &output, &sampled::applied(&rewriter)),
    }
}

/// Holds what a visitor got against what the shop has, granting all that the policy's passes declare: which of them
/// were at work is not known.
pub fn served(policy: &Policy, url: &Url, page: &[u8], served: &[u8]) -> Audited {
    let template = route::template(url.path(), policy);
    let (config, _) = policy.passes_for(template, url.path());
    let on: Vec<_> = (NAMES.iter().copied())
        .filter(|name| config.is_enabled(name) == Some(true))
        .collect();
    Audited {
        passes: Vec::new(),
        violations: check(page, served, &on),
    }
}

/// What the passes at work may do.
struct Allowed<'a> {
    edits: Vec<(&'a str, Edit)>,
    passes: Vec<&'a str>,
}

impl<'a> Allowed<'a> {
    fn of(contracts: &[(&'a str, Contract)], applied: &[&'a str]) -> Self {
        let at_work = contracts.iter().filter(|(name, _)| applied.contains(name));
        let edits = at_work.flat_map(|(name, c)| c.edits.iter().map(|edit| (*name, *edit)));
        Self {
            edits: edits.collect(),
            passes: applied.to_vec(),
        }
    }

    /// The pass that inserted an element and may.
    fn inserter(&self, node: &Node) -> Option<&'a str> {
        let (mark, name) = (node.attribute("data-v")?, node.name()?);
        let inserts = |edit: &Edit| matches!(edit, Edit::Inserts(element) if *element == name);
        let mut edits = self.edits.iter();
        edits
            .find(|(pass, edit)| *pass == mark && inserts(edit))
            .map(|(pass, _)| *pass)
    }

    fn changes(&self, element: &str, attribute: &str) -> bool {
        self.edits.iter().any(|(_, edit)| {
            matches!(edit, Edit::Attribute(e, a) if *a == attribute && (*e == "*" || *e == element))
        })
    }

    fn moves_scripts(&self) -> bool {
        self.edits.iter().any(|(_, e)| *e == Edit::MovesScripts)
    }

    /// Whether an attribute of an element may differ like this.
    fn permits(&self, before: &Node, attribute: &str, was: Option<&str>, is: Option<&str>) -> bool {
        let name = before.name().unwrap_or_default();
        self.changes(name, attribute)
            || (self.moves_scripts()
                && kind_of_script(before) == Kind::Scripts
                && before.attribute("src").is_some()
                && moves(attribute, was, is))
    }

    /// An inserted module before the page's import map, which it would disable.
    fn early_module(&self, after: &[Node]) -> Option<Violation> {
        let is_map = |node: &Node| is_script_of(node, "importmap");
        let map = after
            .iter()
            .position(|node| is_map(node) && self.inserter(node).is_none())?;
        let is_module = |node: &&Node| {
            is_script_of(node, "module")
                || node.is_element("link") && node.attribute("rel") == Some("modulepreload")
        };
        let (node, pass) = after[..map]
            .iter()
            .filter(is_module)
            .find_map(|node| Some((node, self.inserter(node)?)))?;
        Some(Violation {
            passes: vec![pass.to_owned()],
            kind: Kind::Modules,
            place: format!(
                "<{}> before the import map",
                node.name().unwrap_or_default()
            ),
            expected: "the import map first".to_owned(),
            found: excerpt(node),
        })
    }

    fn violation(&self, difference: &Difference<'_>) -> Violation {
        let marked = difference.after.and_then(|node| node.attribute("data-v"));
        let one = marked.filter(|mark| self.passes.contains(mark));
        let passes = one.map_or_else(|| self.passes.clone(), |one| vec![one]);
        let (kind, place, expected, found) = difference.describe();
        Violation {
            passes: passes.into_iter().map(str::to_owned).collect(),
            kind,
            place,
            expected: cut(&expected),
            found: cut(&found),
        }
    }
}

/// Whether an attribute of a script differs as it does when the script is made to wait: `async` and `defer`
/// are added, or the address and the type move into attributes of ours.
fn moves(attribute: &str, was: Option<&str>, is: Option<&str>) -> bool {
    match attribute {
        "async" | "defer" => was.is_none(),
        "src" => is.is_none(),
        "type" => is.is_some_and(|kind| kind.starts_with("text/v-")),
        _ => attribute.starts_with("data-v-") && was.is_none(),
    }
}

fn is_script_of(node: &Node, kind: &str) -> bool {
    node.is_element("script")
        && node
            .attribute("type")
            .is_some_and(|t| t.trim().eq_ignore_ascii_case(kind))
}

/// What a script element is, by its type.
fn kind_of_script(node: &Node) -> Kind {
    let kind = node.attribute("type").map(str::trim).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim_end();
    match kind.to_ascii_lowercase().as_str() {
        "application/ld+json" => Kind::JsonLd,
        "module" | "importmap" => Kind::Modules,
        kind if kind.is_empty() || kind.ends_with("javascript") || kind.ends_with("ecmascript") => {
            Kind::Scripts
        }
        _ => Kind::InlineData,
    }
}

fn excerpt(node: &Node) -> String {
    match node {
        Node::Doctype { text, .. } => format!("<!doctype {text}>"),
        Node::Text { text, .. } => format!("{text:?}"),
        Node::Comment { text, .. } => format!("<!--{text}-->"),
        Node::Element {
            name, attributes, ..
        } => {
            let attributes = attributes.iter().map(|(n, v)| format!(" {n}={v:?}"));
            format!("<{name}{}>", attributes.collect::<String>())
        }
    }
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_EXCERPT);
    match text.len() {
        length if length > end => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
