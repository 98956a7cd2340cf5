//! A start tag, as passes see and change it.

use std::fmt::Write as _;

use lol_html::html_content::{Attribute, ContentType, Element};

/// One start tag of the page that a browser would act on.
pub(super) struct Tag<'a, 'r, 't> {
    element: &'a mut Element<'r, 't>,
    name: &'a str,
    /// Selectors of passes that matched: pass index and selector index.
    matched: &'a [(usize, usize)],
    /// Index of the pass that is looking.
    pub(super) pass: usize,
    /// Whether the element itself opts out of changes.
    pub(super) asks_to_be_left: bool,
    /// Whether it or an ancestor does.
    pub(super) opted_out: bool,
    /// The nearest `<picture>` around the element, if it is in one.
    pub(super) picture: Option<Picture>,
    /// Bytes added by the pass that is looking, less those taken away.
    pub(super) grown: i64,
}

/// What is known of an open `<picture>`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Picture {
    /// Whether a `<source>` chooses by media or states its own size, so that sizes can differ.
    pub(super) art_directed: bool,
    /// Whether a script sets the address of a `<source>`.
    pub(super) scripted: bool,
}

impl<'a, 'r, 't> Tag<'a, 'r, 't> {
    pub(super) fn new(
        element: &'a mut Element<'r, 't>,
        name: &'a str,
        matched: &'a [(usize, usize)],
        opted_out: bool,
        picture: Option<Picture>,
    ) -> Self {
        Self {
            element,
            name,
            matched,
            pass: 0,
            asks_to_be_left: false,
            opted_out,
            picture,
            grown: 0,
        }
    }

    /// Lower-case name.
    pub(super) fn name(&self) -> &str {
        self.name
    }

    /// Where the tag begins, in bytes from the first tag of the document.
    pub(super) fn offset(&self) -> usize {
        self.element.source_location().bytes().start
    }

    /// Whether a selector of the pass that is looking matched, by its index.
    pub(super) fn matched(&self, selector: usize) -> bool {
        self.matched.contains(&(self.pass, selector))
    }

    /// Whether this is a `<meta>` that names the document's character encoding.
    pub(super) fn names_charset(&self) -> bool {
        self.name == "meta"
            && (self.has("charset")
                || self
                    .value("http-equiv")
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("content-type")))
    }

    /// An attribute's value as written, character references and all. Of duplicates, the first.
    pub(super) fn raw(&self, name: &str) -> Option<String> {
        self.attribute(name).map(Attribute::value)
    }

    /// An attribute's value as a browser reads it.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.raw(name).map(|raw| decode_references(&raw))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// The first attribute of a name. Reading a name costs an allocation; its length is there.
    fn attribute(&self, name: &str) -> Option<&Attribute<'_>> {
        let mut attributes = self.element.attributes().iter();
        attributes.find(|attribute| {
            let written = attribute.name_source_location();
            written.is_none_or(|written| written.bytes().len() == name.len())
                && attribute.name() == name
        })
    }

    /// Whether an attribute, if it is there, is ASCII as written, and is there once: then it can be renamed.
    pub(super) fn is_plain(&self, name: &str) -> bool {
        let attributes = self.element.attributes().iter();
        let mut values = attributes
            .filter(|a| a.name() == name)
            .map(Attribute::value);
        values.next().is_none_or(|value| value.is_ascii()) && values.next().is_none()
    }

    /// Whether every attribute is ASCII as written, and is there once: then the tag can be written anew.
    pub(super) fn is_ascii(&self) -> bool {
        let attributes = self.element.attributes().iter();
        let mut names: Vec<String> = attributes.clone().map(Attribute::name).collect();
        names.sort_unstable();
        let repeated = names.windows(2).any(|pair| pair[0] == pair[1]);
        !repeated
            && attributes
                .clone()
                .all(|a| a.name().is_ascii() && a.value().is_ascii())
    }

    /// The start tag, written anew from its name and its attributes.
    pub(super) fn written_anew(&self) -> String {
        let mut tag = format!("<{}", self.name);
        for attribute in self.element.attributes() {
            let value = attribute.value().replace('"', "&quot;");
            let _ = write!(tag, " {}=\"{value}\"", attribute.name());
        }
        tag.push('>');
        tag
    }

    /// Whether any attribute's name begins so.
    pub(super) fn has_prefixed(&self, prefix: &str) -> bool {
        self.element
            .attributes()
            .iter()
            .any(|a| a.name().starts_with(prefix))
    }

    /// Whether one of an attribute's space-separated words is `word`, in any case.
    pub(super) fn has_word(&self, name: &str, word: &str) -> bool {
        self.value(name).is_some_and(|value| {
            value
                .split_ascii_whitespace()
                .any(|w| w.eq_ignore_ascii_case(word))
        })
    }

    /// Sets an attribute. `raw` is written as it is, between double quotes.
    pub(super) fn set_raw(&mut self, name: &str, raw: &str) {
        debug_assert!(raw.is_ascii(), "what we write is ASCII");
        let before = self.written(name);
        // The only error is a malformed name, and names are literals.
        let _ = self.element.set_attribute(name, raw);
        self.grown += self.written(name) - before;
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.grown -= self.written(name);
        self.element.remove_attribute(name);
    }

    /// How many bytes an attribute takes in the tag, as ` name="value"`.
    fn written(&self, name: &str) -> i64 {
        self.raw(name).map_or(0, |value| {
            (name.len() + value.len() + " =\"\"".len()) as i64
        })
    }

    /// Inserts markup before the tag.
    pub(super) fn insert_before(&mut self, markup: &str) {
        debug_assert!(markup.is_ascii(), "what we insert is ASCII");
        self.grown += markup.len() as i64;
        self.element.before(markup, ContentType::Html);
    }
}

/// Decodes the character references that occur in URLs and keywords: the numeric ones and the five of
/// markup. A value with any other reference stays as written, and then equals nothing that we look for.
pub(super) fn decode_references(raw: &str) -> String {
    if !raw.contains('&') {
        return raw.to_owned();
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (character, length) = reference(rest).unwrap_or(('&', 1));
        text.push(character);
        rest = &rest[length..];
    }
    text.push_str(rest);
    text
}

/// The character that a reference at the start of `text` stands for, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|b| b == b';')?;
    let body = text.get(1..end)?;
    let character = match body {
        "amp" | "AMP" => '&',
        "lt" | "LT" => '<',
        "gt" | "GT" => '>',
        "quot" | "QUOT" => '"',
        "apos" => '\'',
        _ => {
            let digits = body.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
    };
    Some((character, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_a_browser_reads_them() {
        for (raw, text) in [
            (
                "https://a.example/x?a=1&amp;b=2",
                "https://a.example/x?a=1&b=2",
            ),
            ("a&#x2F;b&#47;c", "a/b/c"),
            ("a&b=c&", "a&b=c&"),
            ("&quot;&apos;&lt;&gt;", "\"'<>"),
            ("&#xD800;&#0;&unknown;", "&#xD800;&#0;&unknown;"),
        ] {
            assert_eq!(decode_references(raw), text, "{raw}");
        }
    }
}
