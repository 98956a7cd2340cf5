//! Patterns over URLs: `https://tags.example/*`, `//*.example/chat/*`.

use url::{Position, Url};

/// A URL pattern, compiled once.
///
/// `*` stands for any run of characters, in the host within the host only. The scheme may be left out, and
/// then `http` and `https` match. Without a path every path matches. The query is looked at only when the
/// pattern has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UrlPattern {
    scheme: Option<String>,
    /// Host, with the port if one is written. Empty: the page's own origin.
    authority: String,
    path: Option<String>,
    has_query: bool,
}

impl UrlPattern {
    /// `None` when the text has no host and is not a path (of the page's own origin) either.
    pub(super) fn parse(written: &str) -> Option<Self> {
        if written.starts_with('/') && !written.starts_with("//") {
            return Some(Self {
                scheme: None,
                authority: String::new(),
                path: Some(written.to_owned()),
                has_query: written.contains('?'),
            });
        }
        let (scheme, rest) = match written.split_once("//") {
            Some(("", rest)) => (None, rest),
            Some((scheme, rest)) => (Some(scheme.strip_suffix(':')?.to_ascii_lowercase()), rest),
            None => return None,
        };
        let slash = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(slash);
        (!authority.is_empty()).then(|| Self {
            scheme: scheme.filter(|scheme| scheme != "*"),
            authority: authority.to_ascii_lowercase(),
            path: (!path.is_empty()).then(|| path.to_owned()),
            has_query: path.contains('?'),
        })
    }

    /// Whether the pattern stands for every path of every host.
    pub(super) fn names_everything(&self) -> bool {
        let every = |text: &str, also: &[u8]| text.bytes().all(|b| b == b'*' || also.contains(&b));
        let path = self.path.as_deref().unwrap_or_default();
        !self.authority.is_empty() && every(&self.authority, b"") && every(path, b"/")
    }

    /// Whether the pattern stands for a URL on the page at `page`.
    pub(super) fn matches_on(&self, url: &Url, page: &Url) -> bool {
        if self.authority.is_empty() {
            return url.origin() == page.origin() && self.matches_path(url);
        }
        self.matches(url)
    }

    /// Whether the pattern stands for a URL of another origin.
    pub(super) fn matches(&self, url: &Url) -> bool {
        let scheme_matches = match &self.scheme {
            Some(scheme) => scheme == url.scheme(),
            None => matches!(url.scheme(), "http" | "https"),
        };
        scheme_matches && self.matches_authority(url) && self.matches_path(url)
    }

    fn matches_authority(&self, url: &Url) -> bool {
        url.has_host()
            && glob(
                &self.authority,
                &url[Position::BeforeHost..Position::AfterPort],
            )
    }

    fn matches_path(&self, url: &Url) -> bool {
        let Some(pattern) = &self.path else {
            return true;
        };
        match url.query().filter(|_| self.has_query) {
            Some(query) => glob(pattern, &format!("{}?{query}", url.path())),
            None => glob(pattern, url.path()),
        }
    }
}

/// Matches `*` as any run of bytes. On a mismatch the last star takes one byte more, so this is at most
/// (pattern × text) steps; both are bounded, the one by `vitrine check`, the other by the parser's memory.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, url: &str) -> bool {
        UrlPattern::parse(pattern)
            .expect(pattern)
            .matches(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_pattern_names_scheme_host_and_path() {
        for (pattern, url, expected) in [
            (
                "https://tags.example/**",
                "https://tags.example/a/b.js?v=1",
                true,
            ),
            ("https://tags.example/*", "http://tags.example/a.js", false),
            ("//tags.example/*", "http://tags.example/a.js", true),
            ("//tags.example", "https://tags.example/a.js", true),
            ("//*.tags.example/*", "https://eu.tags.example/a.js", true),
            ("//*.tags.example/*", "https://tags.example/a.js", false),
            (
                "//tags.example/*",
                "https://evil.example/tags.example/a.js",
                false,
            ),
            (
                "//*tags.example/*",
                "https://evil.example/x/tags.example/a.js",
                false,
            ),
            (
                "//tags.example/gtm.js",
                "https://tags.example/gtm.js?id=GTM-1",
                true,
            ),
            (
                "//tags.example/gtm.js?id=GTM-1",
                "https://tags.example/gtm.js?id=GTM-2",
                false,
            ),
            ("//127.0.0.1:3001/*", "http://127.0.0.1:3001/tag.js", true),
            ("//127.0.0.1/*", "http://127.0.0.1:3001/tag.js", false),
            ("//*:3001/*", "http://127.0.0.1:3001/tag.js", true),
            (
                "//tags.example/*/pixel*.js",
                "https://tags.example/en/pixel-7.js",
                true,
            ),
        ] {
            assert_eq!(matches(pattern, url), expected, "{pattern} {url}");
        }
    }

    #[test]
    fn a_pattern_for_everything_is_known() {
        for (pattern, expected) in [
            ("https://**", true),
            ("//*/*", true),
            ("//*", true),
            ("//*.example/*", false),
            ("//*:3001/*", false),
            ("//*/tag.js", false),
            ("/*", false),
        ] {
            let parsed = UrlPattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.names_everything(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_path_stands_for_the_pages_own_origin() {
        let page = Url::parse("https://shop.example/p/1").unwrap();
        let pattern = UrlPattern::parse("/media/*").unwrap();
        for (url, expected) in [
            ("https://shop.example/media/1.jpg", true),
            ("https://cdn.example/media/1.jpg", false),
            ("https://shop.example/other/1.jpg", false),
        ] {
            assert_eq!(
                pattern.matches_on(&Url::parse(url).unwrap(), &page),
                expected,
                "{url}"
            );
        }
    }

    #[test]
    fn a_text_without_host_is_no_pattern() {
        for text in ["", "tags.example/*", "https:///x", "https"] {
            assert_eq!(UrlPattern::parse(text), None, "{text}");
        }
    }
}
