//! Two documents, node by node, side by side.

use super::dom::Node;
use super::{Allowed, Kind, excerpt, kind_of_script};

/// How far ahead the other document is searched for a node that is missing in one, in nodes. Further on, a
/// match is as likely to be another node that looks the same.
const SEARCHED: usize = 60;
/// Most differences collected.
const MAX_DIFFERENCES: usize = super::MAX_VIOLATIONS;

/// A node that differs, and how.
pub(super) struct Difference<'a> {
    pub(super) before: Option<&'a Node>,
    pub(super) after: Option<&'a Node>,
    /// The attribute that differs, where only that does.
    attribute: Option<String>,
    /// The element around them.
    parent: Option<&'a Node>,
}

/// A walk through two documents.
pub(super) struct Lines<'a> {
    allowed: &'a Allowed<'a>,
    before: Side<'a>,
    after: Side<'a>,
    differences: Vec<Difference<'a>>,
}

/// Where the walk is in one document.
struct Side<'a> {
    nodes: &'a [Node],
    at: usize,
    /// How much of the text at hand has been compared: an insertion can split one text into two.
    read: usize,
}

impl<'a> Side<'a> {
    fn new(nodes: &'a [Node]) -> Self {
        Self {
            nodes,
            at: 0,
            read: 0,
        }
    }

    fn node(&self) -> Option<&'a Node> {
        self.nodes.get(self.at)
    }

    fn step(&mut self) {
        self.at += 1;
        self.read = 0;
    }

    /// Leaves an element with everything in it.
    fn leave(&mut self) {
        let Some(depth) = self.node().map(Node::depth) else {
            return;
        };
        self.step();
        while self.node().is_some_and(|node| node.depth() > depth) {
            self.step();
        }
    }

    /// Text that is left at hand, and its depth.
    fn text(&self) -> Option<(usize, &'a str)> {
        match self.node()? {
            Node::Text { depth, text } => Some((*depth, &text[self.read..])),
            _ => None,
        }
    }

    fn read(&mut self, bytes: usize) {
        self.read += bytes;
        if self.text().is_none_or(|(_, rest)| rest.is_empty()) {
            self.step();
        }
    }

    fn parent(&self) -> Option<&'a Node> {
        let depth = self.node()?.depth();
        let before = self.nodes[..self.at].iter().rev();
        before
            .into_iter()
            .find(|node| node.depth() < depth && node.name().is_some())
    }

    /// How many nodes ahead another document's node is.
    fn ahead(&self, wanted: Option<&Node>) -> Option<usize> {
        let wanted = wanted?;
        let rest = self.nodes.get(self.at..)?;
        rest.iter().take(SEARCHED).position(|node| node == wanted)
    }
}

impl<'a> Lines<'a> {
    pub(super) fn new(allowed: &'a Allowed<'a>, before: &'a [Node], after: &'a [Node]) -> Self {
        Self {
            allowed,
            before: Side::new(before),
            after: Side::new(after),
            differences: Vec::new(),
        }
    }

    pub(super) fn compare(mut self) -> Vec<Difference<'a>> {
        while self.differences.len() < MAX_DIFFERENCES {
            if self.skip_insertions() || self.match_texts() {
                continue;
            }
            match (self.before.node(), self.after.node()) {
                (None, None) => break,
                (Some(a), Some(b)) if self.is_same(a, b) => {
                    self.before.step();
                    self.after.step();
                }
                (a, b) => {
                    self.differ(a, b, None);
                    if !self.meet_again() {
                        break;
                    }
                }
            }
        }
        self.differences
    }

    /// Passes over what a pass inserted: now, or when the page went through here before.
    fn skip_insertions(&mut self) -> bool {
        let allowed = self.allowed;
        let inserted = |side: &&mut Side<'a>| {
            side.node()
                .is_some_and(|node| allowed.inserter(node).is_some())
        };
        let mut sides = [&mut self.after, &mut self.before].into_iter();
        let side = sides.find(inserted);
        side.map(Side::leave).is_some()
    }

    fn match_texts(&mut self) -> bool {
        let (Some((depth, a)), Some((other, b))) = (self.before.text(), self.after.text()) else {
            return false;
        };
        if depth != other || !(a.starts_with(b) || b.starts_with(a)) {
            return false;
        }
        let common = a.len().min(b.len());
        self.before.read(common);
        self.after.read(common);
        true
    }

    /// Whether two nodes are the same but for declared attributes. Attributes that differ otherwise are
    /// recorded, and the walk goes on.
    fn is_same(&mut self, a: &'a Node, b: &'a Node) -> bool {
        if a == b {
            return self.before.read == 0 && self.after.read == 0;
        }
        let same_place = a.depth() == b.depth() && a.name() == b.name() && a.name().is_some();
        if !same_place || self.is_mere_shift(a, b) {
            return false;
        }
        for attribute in differing(a, b) {
            let (was, is) = (a.attribute(&attribute), b.attribute(&attribute));
            if !self.allowed.permits(a, &attribute, was, is) {
                self.differ(Some(a), Some(b), Some(attribute));
                break;
            }
        }
        true
    }

    /// Whether two elements that differ are more likely one that is missing: the other's is near.
    fn is_mere_shift(&self, a: &Node, b: &Node) -> bool {
        let permitted = |name: &String| {
            self.allowed
                .permits(a, name, a.attribute(name), b.attribute(name))
        };
        !differing(a, b).iter().all(permitted)
            && (self.after.ahead(Some(a)).is_some() || self.before.ahead(Some(b)).is_some())
    }

    fn differ(&mut self, before: Option<&'a Node>, after: Option<&'a Node>, on: Option<String>) {
        let parent = match before {
            Some(_) => self.before.parent(),
            None => self.after.parent(),
        };
        self.differences.push(Difference {
            before,
            after,
            attribute: on,
            parent,
        });
    }

    /// After a difference, goes on where both documents have the same node again.
    fn meet_again(&mut self) -> bool {
        let missing = self.before.ahead(self.after.node());
        let added = self.after.ahead(self.before.node());
        let last = self.differences.last_mut();
        match (missing, added) {
            (Some(by), added) if added.is_none_or(|added| by <= added) => {
                if let Some(last) = last {
                    last.after = None;
                }
                (0..by).for_each(|_| self.before.step());
            }
            (_, Some(by)) => {
                if let Some(last) = last {
                    last.before = None;
                    last.parent = self.after.parent();
                }
                (0..by).for_each(|_| self.after.step());
            }
            _ => {
                let alike = |a: &Node, b: &Node| {
                    a.depth() == b.depth() && std::mem::discriminant(a) == std::mem::discriminant(b)
                };
                let both = self.before.node().zip(self.after.node());
                if !both.is_some_and(|(a, b)| a.name().is_none() && alike(a, b)) {
                    return false;
                }
                self.before.step();
                self.after.step();
            }
        }
        true
    }
}

/// Names of the attributes in which two elements differ.
fn differing(a: &Node, b: &Node) -> Vec<String> {
    let names = |node: &Node| match node {
        Node::Element { attributes, .. } => attributes.clone(),
        _ => Vec::new(),
    };
    let mut differing: Vec<String> = names(a)
        .into_iter()
        .chain(names(b))
        .map(|(name, _)| name)
        .filter(|name| a.attribute(name) != b.attribute(name))
        .collect();
    differing.sort();
    differing.dedup();
    differing
}

impl Difference<'_> {
    /// What it touches, where, what was expected, and what was found.
    pub(super) fn describe(&self) -> (Kind, String, String, String) {
        let node = self.before.or(self.after);
        let name = node.and_then(Node::name);
        let absent = || "nothing".to_owned();
        if let Some(attribute) = &self.attribute {
            let value = |node: Option<&Node>| {
                let value = node.and_then(|node| node.attribute(attribute));
                value.map_or_else(absent, |value| format!("{value:?}"))
            };
            let kind = node.map_or(Kind::Markup, |node| kind_of(node, Some(attribute)));
            let place = format!("`{attribute}` of <{}>", name.unwrap_or_default());
            return (kind, place, value(self.before), value(self.after));
        }
        let around = self.parent.and_then(Node::name).unwrap_or("document");
        let what = match (node, name) {
            (_, Some(name)) => format!("<{name}>"),
            (Some(Node::Comment { .. }), _) => "a comment".to_owned(),
            (Some(Node::Doctype { .. }), _) => "the document type".to_owned(),
            _ => "text".to_owned(),
        };
        let kind = match (node, self.parent) {
            (Some(Node::Text { .. }), Some(parent)) => kind_of_text(parent),
            (Some(Node::Text { .. }), None) => Kind::Text,
            (Some(node), _) => kind_of(node, None),
            (None, _) => Kind::Markup,
        };
        let shown = |node: Option<&Node>| node.map_or_else(absent, excerpt);
        let (expected, found) = match (self.before, self.after) {
            (Some(Node::Text { text: a, .. }), Some(Node::Text { text: b, .. })) => {
                from_difference(a, b)
            }
            (a, b) => (shown(a), shown(b)),
        };
        (kind, format!("{what} in <{around}>"), expected, found)
    }
}

/// Two texts from a little before the place where they differ.
fn from_difference(a: &str, b: &str) -> (String, String) {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let from = a.floor_char_boundary(same.saturating_sub(20));
    let of = |text: &str| format!("{:?}", &text[text.floor_char_boundary(from)..]);
    (of(a), of(b))
}

fn kind_of_text(parent: &Node) -> Kind {
    match parent.name().unwrap_or_default() {
        "title" => Kind::Title,
        "script" => kind_of_script(parent),
        "style" => Kind::Styles,
        "textarea" | "option" | "button" => Kind::Forms,
        _ => Kind::Text,
    }
}

fn kind_of(node: &Node, attribute: Option<&str>) -> Kind {
    match (node.name().unwrap_or_default(), attribute) {
        (_, Some("integrity")) => Kind::Integrity,
        (_, Some("id")) => Kind::Ids,
        ("script", _) => kind_of_script(node),
        ("a" | "area", Some("href") | None) => Kind::Links,
        ("link", _) => kind_of_link(node),
        ("meta" | "base" | "html", _) => Kind::Meta,
        ("title", _) => Kind::Title,
        ("style", _) => Kind::Styles,
        (
            "form" | "input" | "select" | "option" | "optgroup" | "textarea" | "button" | "label"
            | "fieldset" | "datalist" | "output",
            _,
        ) => Kind::Forms,
        _ => Kind::Markup,
    }
}

fn kind_of_link(node: &Node) -> Kind {
    let rel = node.attribute("rel").unwrap_or_default();
    let is = |word: &str| {
        rel.split_ascii_whitespace()
            .any(|w| w.eq_ignore_ascii_case(word))
    };
    if is("stylesheet") {
        Kind::Styles
    } else if is("canonical") || is("alternate") || is("next") || is("prev") {
        Kind::Meta
    } else if is("modulepreload") {
        Kind::Modules
    } else {
        Kind::Markup
    }
}
