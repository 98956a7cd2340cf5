//! What a browser makes of a document: its nodes in document order, by way of html5ever.
//!
//! The tree lives in one vector, is never walked recursively, and is bounded: a page may be as hostile as
//! its author likes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, LocalName, Namespace, ParseOpts, QualName, parse_document};

/// Longest document that is read, in bytes: several times the longest page of a real shop.
pub const MAX_BYTES: usize = 2 << 20;
/// Most nodes: 2 MiB of real markup hold fewer, and the tree stays within tens of megabytes.
const MAX_NODES: usize = 150_000;
/// Deepest nesting. Browsers stop at 512; without a bound, each tag of a hostile page costs a walk over all
/// that are open.
const MAX_DEPTH: usize = 1024;
/// Bytes parsed between two looks at the bounds. One tag can bring as many nodes as there are unclosed
/// formatting elements, so a piece is small.
const PIECE: usize = 512;

/// Why a document was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// Longer than [`MAX_BYTES`].
    #[error("it is longer than 2 MiB")]
    Bytes,
    /// More nodes than are kept.
    #[error("it has more than 150000 nodes")]
    Nodes,
    /// Elements in elements in elements.
    #[error("it is nested more than 1024 elements deep")]
    Depth,
}

/// One node, in document order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// The document type.
    Doctype {
        /// How many elements are around it.
        depth: usize,
        /// Its name and identifiers.
        text: String,
    },
    /// An element.
    Element {
        /// How many elements are around it.
        depth: usize,
        /// Its name, whatever its namespace.
        name: String,
        /// Its attributes, as a browser reads them, in order.
        attributes: Vec<(String, String)>,
    },
    /// Text.
    Text {
        /// How many elements are around it.
        depth: usize,
        /// The text.
        text: String,
    },
    /// A comment.
    Comment {
        /// How many elements are around it.
        depth: usize,
        /// What it says.
        text: String,
    },
}

impl Node {
    /// How many elements are around it. What is in a template is in the template's element.
    pub fn depth(&self) -> usize {
        match self {
            Self::Doctype { depth, .. }
            | Self::Element { depth, .. }
            | Self::Text { depth, .. }
            | Self::Comment { depth, .. } => *depth,
        }
    }

    /// The name, of an element.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Element { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether it is an element of this name.
    pub fn is_element(&self, wanted: &str) -> bool {
        self.name() == Some(wanted)
    }

    /// An attribute's value, of an element that has it.
    pub fn attribute(&self, wanted: &str) -> Option<&str> {
        match self {
            Self::Element { attributes, .. } => attributes
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str()),
            _ => None,
        }
    }
}

/// Every node of the document, depth first. Template contents count as children.
pub fn nodes(html: &[u8]) -> Result<Vec<Node>, TooLarge> {
    if html.len() > MAX_BYTES {
        return Err(TooLarge::Bytes);
    }
    let sink = Sink::default();
    let tree = Rc::clone(&sink.0);
    let options = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: true,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let mut parser = parse_document(sink, options).from_utf8();
    for piece in html.chunks(PIECE) {
        parser.process(piece.into());
        if let Some(bound) = tree.borrow().bound() {
            return Err(bound);
        }
    }
    parser.finish();
    let tree = tree.borrow();
    tree.bound().map_or_else(|| Ok(tree.flatten()), Err)
}

/// The document without one kind of element and what is in it, for comparison with another.
pub fn nodes_without(
    html: &[u8],
    leave_out: impl Fn(&Node) -> bool,
) -> Result<Vec<Node>, TooLarge> {
    let mut kept: Vec<Node> = Vec::new();
    let mut skipping: Option<usize> = None;
    for node in nodes(html)? {
        if skipping.is_some_and(|outer| node.depth() > outer) {
            continue;
        }
        skipping = None;
        if leave_out(&node) {
            skipping = Some(node.depth());
            continue;
        }
        // Two texts that an inserted element kept apart are one.
        if let (Some(Node::Text { depth: d, text }), Node::Text { depth, text: more }) =
            (kept.last_mut(), &node)
            && d == depth
        {
            text.push_str(more);
            continue;
        }
        kept.push(node);
    }
    Ok(kept)
}

/// The text that a visitor can see.
pub fn visible_text(html: &[u8]) -> Result<String, TooLarge> {
    let hidden = |node: &Node| {
        ["script", "style", "template"]
            .iter()
            .any(|name| node.is_element(name))
    };
    let nodes = nodes_without(html, hidden)?;
    let texts = nodes.iter().filter_map(|node| match node {
        Node::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    Ok(texts.collect())
}

enum Data {
    /// The document, and the content of a template.
    Root,
    Doctype(String),
    Element {
        name: QualName,
        attributes: Vec<Attribute>,
        /// Where the content of a template is.
        contents: Option<usize>,
        holds_html: bool,
    },
    Text(StrTendril),
    Comment(StrTendril),
}

struct Branch {
    data: Data,
    parent: Option<usize>,
    children: Vec<usize>,
    depth: usize,
}

/// The document is the first.
struct Tree {
    branches: Vec<Branch>,
    deepest: usize,
}

impl Tree {
    fn grow(&mut self, data: Data) -> usize {
        self.branches.push(Branch {
            data,
            parent: None,
            children: Vec::new(),
            depth: 0,
        });
        self.branches.len() - 1
    }

    fn bound(&self) -> Option<TooLarge> {
        if self.branches.len() > MAX_NODES {
            return Some(TooLarge::Nodes);
        }
        (self.deepest > MAX_DEPTH).then_some(TooLarge::Depth)
    }

    fn detach(&mut self, child: usize) {
        if let Some(parent) = self.branches[child].parent.take() {
            self.branches[parent].children.retain(|c| *c != child);
        }
    }

    /// Puts a node, or text, at a place among a parent's children.
    fn place(&mut self, parent: usize, at: usize, new: NodeOrText<usize>) {
        let child = match new {
            NodeOrText::AppendNode(child) => {
                self.detach(child);
                child
            }
            NodeOrText::AppendText(text) => {
                let before = at
                    .checked_sub(1)
                    .map(|at| self.branches[parent].children[at]);
                if let Some(before) = before
                    && let Data::Text(existing) = &mut self.branches[before].data
                {
                    existing.push_tendril(&text);
                    return;
                }
                self.grow(Data::Text(text))
            }
        };
        let depth = self.branches[parent].depth + 1;
        self.deepest = self.deepest.max(depth);
        self.branches[child].depth = depth;
        self.branches[child].parent = Some(parent);
        let children = &mut self.branches[parent].children;
        children.insert(at.min(children.len()), child);
    }

    fn append(&mut self, parent: usize, new: NodeOrText<usize>) {
        if let NodeOrText::AppendNode(child) = &new {
            self.detach(*child);
        }
        let at = self.branches[parent].children.len();
        self.place(parent, at, new);
    }

    fn flatten(&self) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(self.branches.len());
        let mut left: Vec<(usize, usize)> = vec![(0, 0)];
        while let Some((at, depth)) = left.pop() {
            let branch = &self.branches[at];
            let mut inner = depth;
            if let Some(node) = branch.data.node(depth) {
                nodes.push(node);
                inner += 1;
            }
            left.extend(branch.children.iter().rev().map(|child| (*child, inner)));
            if let Data::Element {
                contents: Some(contents),
                ..
            } = branch.data
            {
                left.push((contents, inner));
            }
        }
        nodes
    }
}

impl Data {
    fn node(&self, depth: usize) -> Option<Node> {
        Some(match self {
            Self::Root => return None,
            Self::Doctype(text) => Node::Doctype {
                depth,
                text: text.clone(),
            },
            Self::Element {
                name, attributes, ..
            } => Node::Element {
                depth,
                name: name.local.to_string(),
                attributes: attributes
                    .iter()
                    .map(|a| (a.name.local.to_string(), a.value.to_string()))
                    .collect(),
            },
            Self::Text(text) => Node::Text {
                depth,
                text: text.to_string(),
            },
            Self::Comment(text) => Node::Comment {
                depth,
                text: text.to_string(),
            },
        })
    }
}

/// What html5ever builds into. A handle is an index.
struct Sink(Rc<RefCell<Tree>>);

impl Default for Sink {
    fn default() -> Self {
        let mut tree = Tree {
            branches: Vec::new(),
            deepest: 0,
        };
        tree.grow(Data::Root);
        Self(Rc::new(RefCell::new(tree)))
    }
}

#[derive(Debug)]
struct Name(QualName);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

impl TreeSink for Sink {
    type Handle = usize;
    type Output = ();
    type ElemName<'a> = Name;

    fn finish(self) {}

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> usize {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a usize) -> Name {
        match &self.0.borrow().branches[*target].data {
            Data::Element { name, .. } => Name(name.clone()),
            // The tree builder asks this of elements only.
            _ => Name(QualName::new(None, html5ever::ns!(), LocalName::from(""))),
        }
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> usize {
        let mut tree = self.0.borrow_mut();
        let contents = flags.template.then(|| tree.grow(Data::Root));
        tree.grow(Data::Element {
            name,
            attributes,
            contents,
            holds_html: flags.mathml_annotation_xml_integration_point,
        })
    }

    fn create_comment(&self, text: StrTendril) -> usize {
        self.0.borrow_mut().grow(Data::Comment(text))
    }

    fn create_pi(&self, target: StrTendril, data: StrTendril) -> usize {
        let text = format!("{target} {data}");
        self.0.borrow_mut().grow(Data::Comment(text.into()))
    }

    fn append(&self, parent: &usize, child: NodeOrText<usize>) {
        self.0.borrow_mut().append(*parent, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &usize,
        previous: &usize,
        child: NodeOrText<usize>,
    ) {
        let has_parent = self.0.borrow().branches[*element].parent.is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(
        &self,
        name: StrTendril,
        public_id: StrTendril,
        system_id: StrTendril,
    ) {
        let mut tree = self.0.borrow_mut();
        let doctype = tree.grow(Data::Doctype(format!("{name} {public_id} {system_id}")));
        tree.append(0, NodeOrText::AppendNode(doctype));
    }

    fn get_template_contents(&self, target: &usize) -> usize {
        match self.0.borrow().branches[*target].data {
            Data::Element {
                contents: Some(contents),
                ..
            } => contents,
            _ => *target,
        }
    }

    fn same_node(&self, x: &usize, y: &usize) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &usize, new: NodeOrText<usize>) {
        let mut tree = self.0.borrow_mut();
        if let NodeOrText::AppendNode(child) = &new {
            tree.detach(*child);
        }
        let Some(parent) = tree.branches[*sibling].parent else {
            return;
        };
        let mut children = tree.branches[parent].children.iter();
        let at = children.position(|child| child == sibling);
        tree.place(parent, at.unwrap_or(0), new);
    }

    fn add_attrs_if_missing(&self, target: &usize, more: Vec<Attribute>) {
        if let Data::Element { attributes, .. } = &mut self.0.borrow_mut().branches[*target].data {
            for attribute in more {
                if attributes.iter().all(|a| a.name != attribute.name) {
                    attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &usize) {
        self.0.borrow_mut().detach(*target);
    }

    fn reparent_children(&self, node: &usize, new_parent: &usize) {
        let mut tree = self.0.borrow_mut();
        let children = std::mem::take(&mut tree.branches[*node].children);
        for child in &children {
            tree.branches[*child].parent = Some(*new_parent);
        }
        tree.branches[*new_parent].children.extend(children);
    }

    fn is_mathml_annotation_xml_integration_point(&self, target: &usize) -> bool {
        matches!(
            self.0.borrow().branches[*target].data,
            Data::Element {
                holds_html: true,
                ..
            }
        )
    }
}
