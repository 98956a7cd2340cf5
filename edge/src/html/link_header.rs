//! The header `Link` (RFC 8288): read as browsers read it, and written.

use std::fmt::Write as _;

use http::header::LINK;
use http::{HeaderMap, HeaderValue};

/// Most links that are read from one response: a shop sends a handful, and a hostile one is bounded.
const MAX_LINKS: usize = 128;
/// Most parameters of one link that are read.
const MAX_PARAMETERS: usize = 32;

/// One link: what it points to, and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// The reference between the angle brackets, as written.
    pub target: String,
    /// Lower-case names and their values. Of parameters of one name, the first counts.
    parameters: Vec<(String, Option<String>)>,
}

impl Link {
    /// A link of one relation.
    pub fn new(target: impl Into<String>, rel: &str) -> Self {
        let link = Self {
            target: target.into(),
            parameters: Vec::new(),
        };
        link.with("rel", Some(rel))
    }

    /// Says something about it.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        self.parameters
            .push((name.to_ascii_lowercase(), value.map(str::to_owned)));
        self
    }

    /// Every link of a response's headers, in order.
    pub fn of_headers(headers: &HeaderMap) -> Vec<Self> {
        let values = headers.get_all(LINK).iter();
        let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let links = texts.flat_map(|text| Self::parse(&text));
        links.take(MAX_LINKS).collect()
    }

    /// Every link of one header value. What is not a link ends the reading: nothing after it is certain.
    pub fn parse(value: &str) -> Vec<Self> {
        let mut reader = Reader { rest: value };
        let mut links = Vec::new();
        while links.len() < MAX_LINKS {
            reader.skip(|c| c.is_ascii_whitespace() || c == ',');
            let Some(link) = reader.link() else {
                break;
            };
            links.push(link);
        }
        links
    }

    /// Whether one of its relations is this, in any case.
    pub fn is(&self, rel: &str) -> bool {
        self.value("rel").is_some_and(|words| {
            words
                .split_ascii_whitespace()
                .any(|word| word.eq_ignore_ascii_case(rel))
        })
    }

    /// Whether a parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| known == name)
    }

    /// A parameter's value.
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.parameters.iter().find(|(known, _)| known == name)?;
        value.as_deref()
    }

    /// The link as a header value. `None` where it cannot stand in one: a control character, anything beyond
    /// ASCII, or a target that its brackets would not hold.
    pub fn header(&self) -> Option<HeaderValue> {
        let is_target = |b: u8| b.is_ascii_graphic() && b != b'<' && b != b'>';
        if self.target.is_empty() || !self.target.bytes().all(is_target) {
            return None;
        }
        let mut out = format!("<{}>", self.target);
        for (name, value) in &self.parameters {
            if name.is_empty() || !name.bytes().all(is_token) {
                return None;
            }
            // Writing to a string does not fail.
            match value.as_deref() {
                None => _ = write!(out, "; {name}"),
                Some(value) if !value.is_empty() && value.bytes().all(is_token) => {
                    _ = write!(out, "; {name}={value}");
                }
                Some(value) if value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) => {
                    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
                    _ = write!(out, "; {name}=\"{escaped}\"");
                }
                Some(_) => return None,
            }
        }
        HeaderValue::from_str(&out).ok()
    }
}

/// What a token is made of (RFC 9110, section 5.6.2).
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn link(&mut self) -> Option<Link> {
        let inner = self.rest.strip_prefix('<')?;
        let (target, rest) = inner.split_once('>')?;
        self.rest = rest;
        let mut link = Link {
            target: target.trim().to_owned(),
            parameters: Vec::new(),
        };
        loop {
            self.skip(|c| c.is_ascii_whitespace());
            if !self.eat(';') {
                return Some(link);
            }
            self.skip(|c| c.is_ascii_whitespace() || c == ';');
            let name = self.until(|c| c.is_ascii_whitespace() || "=;,".contains(c));
            let name = name.to_ascii_lowercase();
            self.skip(|c| c.is_ascii_whitespace());
            let value = self.eat('=').then(|| self.value());
            if !name.is_empty() && link.parameters.len() < MAX_PARAMETERS && !link.has(&name) {
                link.parameters.push((name, value));
            }
        }
    }

    /// A value: between quotes, or up to the next separator.
    fn value(&mut self) -> String {
        self.skip(|c| c.is_ascii_whitespace());
        if !self.eat('"') {
            return self
                .until(|c| c.is_ascii_whitespace() || c == ';' || c == ',')
                .to_owned();
        }
        let mut value = String::new();
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            match c {
                _ if escaped => {
                    value.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return value;
                }
                c => value.push(c),
            }
        }
        // The quotes never close: the rest belongs to the value.
        self.rest = "";
        value
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(what);
    }

    fn until(&mut self, end: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self
            .rest
            .split_at(self.rest.find(end).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> Vec<String> {
        let links = Link::parse(value);
        links.iter().map(|link| format!("{link:?}")).collect()
    }

    #[test]
    fn links_are_read_in_every_notation_that_servers_use() {
        let links = Link::parse(
            "</a.css>; rel=preload; as=style, <https://cdn.example/x,y;z?a=b>;REL=\"Preconnect dns-prefetch\" ; crossorigin,\
             \t</f.woff2> ; rel = preload;as=\"font\"; type=\"a\\\"b, c; d\"; rel=next;;",
        );
        assert_eq!(links.len(), 3);
        assert_eq!(links[0].value("as"), Some("style"));
        assert_eq!(links[1].target, "https://cdn.example/x,y;z?a=b");
        assert!(links[1].is("preconnect") && links[1].is("DNS-prefetch") && !links[1].is("pre"));
        assert!(links[1].has("crossorigin") && links[1].value("crossorigin").is_none());
        assert_eq!(links[2].value("type"), Some("a\"b, c; d"));
        assert!(links[2].is("preload") && !links[2].is("next"));
    }

    #[test]
    fn what_is_no_link_ends_the_reading() {
        for (value, count) in [
            ("", 0),
            ("/a.css; rel=preload", 0),
            ("<a", 0),
            ("<a>; rel=x, b, <c>", 1),
            ("<a>; rel=\"never closed, <b>; rel=x", 1),
            ("<a>x, <b>", 1),
            (", ,<a>,,<b>", 2),
        ] {
            assert_eq!(
                Link::parse(value).len(),
                count,
                "{value}: {:?}",
                read(value)
            );
        }
        assert_eq!(Link::parse(&"<a>,".repeat(1000)).len(), MAX_LINKS);
    }

    #[test]
    fn only_what_a_header_can_carry_is_written() {
        let link = Link::new("/a.woff2", "preload")
            .with("as", Some("font"))
            .with("crossorigin", None)
            .with("media", Some("(min-width:600px), print"));
        let header = link.header().unwrap();
        assert_eq!(
            header,
            "</a.woff2>; rel=preload; as=font; crossorigin; media=\"(min-width:600px), print\""
        );
        for target in ["", "/a>; rel=x", "/a b", "/\u{e4}", "/a\nb"] {
            assert_eq!(Link::new(target, "preload").header(), None, "{target}");
        }
        let hostile = Link::new("/a", "preload").with("as", Some("font\r\nset-cookie: a=b"));
        assert_eq!(hostile.header(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(
            target in "[!-;=?-~]{1,40}",
            rel in "[ -~]{0,20}",
            other in proptest::option::of("[ -~]{0,20}"),
        ) {
            let link = Link::new(target, &rel).with("x-other", other.as_deref());
            let header = link.header().unwrap();
            prop_assert_eq!(Link::parse(header.to_str().unwrap()), vec![link]);
        }

        #[test]
        fn no_text_upsets_the_reader(text in "\\PC{0,200}", noise in "[<>;,=\" a\\\\]{0,60}") {
            for value in [text.as_str(), noise.as_str()] {
                for link in Link::parse(value) {
                    let _ = link.header();
                }
            }
        }
    }
}
