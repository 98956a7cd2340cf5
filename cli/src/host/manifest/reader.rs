//! Walks a TOML document and collects everything that is wrong with it, each with file, line and key.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `file:line:column`.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) message: String,
}

/// Everything that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {}", finding.place, finding.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

/// A table with the dotted path that leads to it.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) path: String,
    pub(super) span: Range<usize>,
    pub(super) table: &'a DeTable<'a>,
}

impl Node<'_> {
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// Reads tables, and remembers what it did not like.
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            findings: Vec::new(),
        }
    }

    pub(super) fn place(&self, at: usize) -> String {
        let before = &self.text[..at.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        format!("{}:{line}:{column}", self.file)
    }

    pub(super) fn wrong(&mut self, span: &Range<usize>, message: String) {
        let place = self.place(span.start);
        self.findings.push(Finding { place, message });
    }

    /// Reports every key that is neither `known` nor refused with a reason of its own.
    pub(super) fn only(&mut self, node: &Node<'_>, known: &[&str], refused: &[(&str, &str)]) {
        for (key, _) in node.table {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let path = node.key(name);
            let message = match refused.iter().find(|(refused, _)| *refused == name) {
                Some((_, reason)) => format!("`{path}` is not supported: {reason}"),
                None => format!("unknown key `{path}`: expected one of {}", known.join(", ")),
            };
            self.wrong(&key.span(), message);
        }
    }

    pub(super) fn table(&mut self, node: &Node<'a>, key: &str) -> Option<Node<'a>> {
        let value = node.table.get(key)?;
        self.as_table(node.key(key), value)
    }

    pub(super) fn as_table(
        &mut self,
        path: String,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Option<Node<'a>> {
        let Some(table) = value.get_ref().as_table() else {
            self.expected(&path, "a table", value);
            return None;
        };
        Some(Node {
            path,
            span: value.span(),
            table,
        })
    }

    /// The sub-tables of `key`, by name.
    pub(super) fn tables(&mut self, node: &Node<'a>, key: &str) -> Vec<(String, Node<'a>)> {
        let Some(parent) = self.table(node, key) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in parent.table {
            let name = name.get_ref().to_string();
            let path = parent.key(&name);
            if let Some(child) = self.as_table(path, value) {
                found.push((name, child));
            }
        }
        found
    }

    pub(super) fn string(&mut self, node: &Node<'a>, key: &str) -> Option<Spanned<String>> {
        let value = node.table.get(key)?;
        self.as_string(&node.key(key), value)
    }

    pub(super) fn required(&mut self, node: &Node<'a>, key: &str) -> Option<Spanned<String>> {
        if !node.table.contains_key(key) {
            let path = node.key(key);
            self.wrong(&node.span, format!("`{path}` is missing"));
        }
        self.string(node, key)
    }

    fn as_string(&mut self, path: &str, value: &Spanned<DeValue<'_>>) -> Option<Spanned<String>> {
        let Some(text) = value.get_ref().as_str() else {
            self.expected(path, "a string", value);
            return None;
        };
        Some(Spanned::new(value.span(), text.to_owned()))
    }

    pub(super) fn boolean(&mut self, node: &Node<'a>, key: &str) -> Option<bool> {
        let value = node.table.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.expected(&node.key(key), "true or false", value);
        }
        found
    }

    /// A whole number within `range`.
    pub(super) fn number(
        &mut self,
        node: &Node<'a>,
        key: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = node.table.get(key)?;
        let found = value
            .get_ref()
            .as_integer()
            .and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok())
            .filter(|n| range.contains(n));
        if found.is_none() {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            self.expected(&node.key(key), &expected, value);
        }
        found
    }

    pub(super) fn array(&mut self, node: &Node<'a>, key: &str) -> &'a [Spanned<DeValue<'a>>] {
        let Some(value) = node.table.get(key) else {
            return &[];
        };
        if let Some(array) = value.get_ref().as_array() {
            return array;
        }
        self.expected(&node.key(key), "an array", value);
        &[]
    }

    pub(super) fn strings(&mut self, node: &Node<'a>, key: &str) -> Vec<Spanned<String>> {
        let path = node.key(key);
        let array = self.array(node, key);
        array
            .iter()
            .filter_map(|value| self.as_string(&path, value))
            .collect()
    }

    /// A table of strings.
    pub(super) fn string_map(
        &mut self,
        node: &Node<'a>,
        key: &str,
    ) -> Vec<(String, Spanned<String>)> {
        let Some(parent) = self.table(node, key) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in parent.table {
            let path = parent.key(name.get_ref());
            if let Some(text) = self.as_string(&path, value) {
                found.push((name.get_ref().to_string(), text));
            }
        }
        found
    }

    fn expected(&mut self, path: &str, expected: &str, value: &Spanned<DeValue<'_>>) {
        let found = value.get_ref().type_str();
        self.wrong(
            &value.span(),
            format!("`{path}` must be {expected}, found {found}"),
        );
    }
}
