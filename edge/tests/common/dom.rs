//! What a browser makes of a document, by way of html5ever.

#![allow(dead_code, reason = "each test binary uses its part")]

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// One node, in document order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Element {
        depth: usize,
        name: String,
        attributes: Vec<(String, String)>,
    },
    Text {
        depth: usize,
        text: String,
    },
    Comment {
        depth: usize,
        text: String,
    },
}

impl Node {
    pub(crate) fn is_element(&self, wanted: &str) -> bool {
        matches!(self, Self::Element { name, .. } if name == wanted)
    }

    pub(crate) fn attribute(&self, wanted: &str) -> Option<&str> {
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
pub(crate) fn nodes(html: &[u8]) -> Vec<Node> {
    let options = ParseOpts {
        tree_builder: html5ever::tree_builder::TreeBuilderOpts {
            scripting_enabled: true,
            ..Default::default()
        },
        ..Default::default()
    };
    let dom = parse_document(RcDom::default(), options)
        .from_utf8()
        .one(html);
    let mut nodes = Vec::new();
    walk(&dom.document, 0, &mut nodes);
    nodes
}

fn walk(handle: &Handle, depth: usize, nodes: &mut Vec<Node>) {
    match &handle.data {
        NodeData::Element {
            name,
            attrs,
            template_contents,
            ..
        } => {
            let attributes = attrs.borrow();
            let attributes = attributes
                .iter()
                .map(|a| (a.name.local.to_string(), a.value.to_string()));
            nodes.push(Node::Element {
                depth,
                name: name.local.to_string(),
                attributes: attributes.collect(),
            });
            if let Some(contents) = template_contents.borrow().as_ref() {
                walk(contents, depth + 1, nodes);
            }
        }
        NodeData::Text { contents } => nodes.push(Node::Text {
            depth,
            text: contents.borrow().to_string(),
        }),
        NodeData::Comment { contents } => nodes.push(Node::Comment {
            depth,
            text: contents.to_string(),
        }),
        _ => {}
    }
    for child in handle.children.borrow().iter() {
        walk(child, depth + 1, nodes);
    }
}

/// The document without one kind of element and its text, for comparison with another.
pub(crate) fn nodes_without(html: &[u8], leave_out: impl Fn(&Node) -> bool) -> Vec<Node> {
    let mut kept: Vec<Node> = Vec::new();
    let mut skipping: Option<usize> = None;
    for node in nodes(html) {
        let depth = match &node {
            Node::Element { depth, .. }
            | Node::Text { depth, .. }
            | Node::Comment { depth, .. } => *depth,
        };
        if skipping.is_some_and(|outer| depth > outer) {
            continue;
        }
        skipping = None;
        if leave_out(&node) {
            skipping = Some(depth);
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
    kept
}

/// The text that a visitor can see.
pub(crate) fn visible_text(html: &[u8]) -> String {
    let hidden = |node: &Node| {
        ["script", "style", "template"]
            .iter()
            .any(|n| node.is_element(n))
    };
    let nodes = nodes_without(html, hidden);
    let texts = nodes.iter().filter_map(|node| match node {
        Node::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}
