//! Texts with a grammar of their own: what the schema's `format` stands for.
//!
//! A key names its grammar with `schemars(extend("format" = "…"))`; an unknown name is a defect that the
//! schema test finds.

use std::ops::Range;

use super::pattern::{PathPattern, PatternProblem};

/// The grammars that a key may name.
#[cfg(test)]
pub(super) const FORMATS: [&str; 5] = [
    "css-selector",
    "host",
    "http-origin",
    "path-pattern",
    "url-pattern",
];

/// Longest URL, host, selector or pattern in a configuration, in bytes.
pub(super) const MAX_BYTES: usize = 2048;

/// What is wrong with a text, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: Range<usize>,
    pub(super) problem: String,
    pub(super) help: Option<String>,
}

/// What a text of this format is, with an article.
pub(super) fn noun(format: &str) -> &'static str {
    match format {
        "css-selector" => "a CSS selector",
        "host" => "a host name",
        "http-origin" => "an address such as `https://shop.example`",
        "path-pattern" => "a path pattern such as `/p/*`",
        "url-pattern" => "a URL pattern such as `https://cdn.example/*`",
        _ => "a text",
    }
}

/// Checks a text against a format.
pub(super) fn check(format: &str, text: &str) -> Result<(), Mistake> {
    if text.len() > MAX_BYTES {
        let problem = format!("longer than {MAX_BYTES} bytes");
        return Err(mistake(0..text.len(), problem, None));
    }
    match format {
        "css-selector" => selector(text),
        "host" => host(text),
        "http-origin" => http_origin(text),
        "path-pattern" => path_pattern(text),
        "url-pattern" => url_pattern(text),
        _ => Ok(()),
    }
}

fn mistake(at: Range<usize>, problem: impl Into<String>, help: Option<String>) -> Mistake {
    Mistake {
        at,
        problem: problem.into(),
        help,
    }
}

fn selector(text: &str) -> Result<(), Mistake> {
    match text.parse::<lol_html::Selector>() {
        Ok(_) => Ok(()),
        Err(error) => Err(mistake(0..text.len(), error.to_string(), None)),
    }
}

/// A registrable name, optionally with a leading `*.` for its subdomains; no scheme, port or path.
fn host(text: &str) -> Result<(), Mistake> {
    let offset = if text.starts_with("*.") { 2 } else { 0 };
    let name = &text[offset..];
    if let Some(at) = text.find("://") {
        let rest = text[at + 3..].split(['/', ':']).next().unwrap_or_default();
        let help = (!rest.is_empty()).then(|| format!("write `{rest}`"));
        return Err(mistake(0..at + 3, "a host name has no scheme", help));
    }
    if let Some(at) = name.find(['/', ':', '?', '#']) {
        let help = (at > 0).then(|| format!("write `{}`", &text[..offset + at]));
        let rest = offset + at..text.len();
        return Err(mistake(rest, "a host name has no port and no path", help));
    }
    let mut at = offset;
    for label in name.split('.') {
        let ok = (1..=63).contains(&label.len())
            && label
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_'))
            && !label.starts_with('-')
            && !label.ends_with('-');
        if !ok {
            let span = if label.is_empty() {
                0..text.len()
            } else {
                at..at + label.len()
            };
            let problem = "each part of a host name is 1 to 63 letters, digits and inner dashes";
            return Err(mistake(span, problem, None));
        }
        at += label.len() + 1;
    }
    if name.len() > 253 {
        return Err(mistake(
            0..text.len(),
            "a host name has at most 253 characters",
            None,
        ));
    }
    Ok(())
}

/// Scheme, host and optional port: what a request can be addressed to.
fn http_origin(text: &str) -> Result<(), Mistake> {
    let whole = 0..text.len();
    let url = match url::Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            let help = (!text.contains("://") && !text.is_empty())
                .then(|| format!("write `https://{text}` or `http://{text}`"));
            return Err(mistake(whole, error.to_string(), help));
        }
    };
    let Some(after_scheme) = text.find("://").map(|at| at + 3) else {
        let help = Some(format!("write `http://{text}`"));
        return Err(mistake(whole, "the scheme is missing", help));
    };
    if !matches!(url.scheme(), "http" | "https") {
        let problem = "only `http` and `https` are spoken";
        return Err(mistake(0..after_scheme - 3, problem, None));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let end = text.rfind('@').map_or(text.len(), |at| at + 1);
        let problem = "credentials do not belong in an address";
        return Err(mistake(after_scheme..end, problem, None));
    }
    let rest = text[after_scheme..].find(['/', '?', '#', '\\']);
    if let Some(at) = rest.map(|at| after_scheme + at)
        && &text[at..] != "/"
    {
        let help = Some(format!("write `{}`", &text[..at]));
        return Err(mistake(at..text.len(), "no path, query or fragment", help));
    }
    if url.port() == Some(0) {
        return Err(mistake(whole, "port 0 cannot be called", None));
    }
    Ok(())
}

fn path_pattern(text: &str) -> Result<(), Mistake> {
    let Err(error) = text.parse::<PathPattern>() else {
        return Ok(());
    };
    let help = match error.problem {
        PatternProblem::NoSlash if text.contains("://") => url::Url::parse(text)
            .ok()
            .map(|url| format!("write the path alone: `{}`", url.path())),
        PatternProblem::NoSlash => Some(format!("write `/{text}`")),
        PatternProblem::NotInPath => text
            .find(['?', '#', ';'])
            .filter(|at| *at > 1)
            .map(|at| format!("write `{}`", &text[..at])),
        _ => None,
    };
    Err(mistake(error.at, error.problem.to_string(), help))
}

/// A URL in which `*` stands for any run of characters; the scheme may be left out (`//cdn.example/*`).
fn url_pattern(text: &str) -> Result<(), Mistake> {
    let unwritable = text
        .char_indices()
        .find(|(_, char)| char.is_whitespace() || char.is_control());
    if let Some((at, char)) = unwritable {
        let problem = "a URL has no spaces and no control characters";
        return Err(mistake(at..at + char.len_utf8(), problem, None));
    }
    if text.chars().all(|char| char == '*') {
        let problem = "this stands for every URL there is";
        return Err(mistake(0..text.len(), problem, None));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(format: &str, text: &str, at: &str, problem: &str) {
        let mistake = check(format, text).expect_err(text);
        assert_eq!(&text[mistake.at.clone()], at, "{mistake:?}");
        assert!(mistake.problem.contains(problem), "{mistake:?}");
    }

    #[test]
    fn an_address_is_scheme_host_and_port() {
        for good in [
            "http://127.0.0.1:3000",
            "https://shop.example",
            "https://shop.example/",
            "http://[::1]:8080",
        ] {
            assert_eq!(check("http-origin", good), Ok(()), "{good}");
        }
        refused(
            "http-origin",
            "shop.example",
            "shop.example",
            "relative URL",
        );
        refused("http-origin", "localhost:3000", "localhost:3000", "scheme");
        refused("http-origin", "ftp://shop.example", "ftp", "http");
        refused(
            "http-origin",
            "https://shop.example/de?x=1",
            "/de?x=1",
            "no path",
        );
        refused(
            "http-origin",
            "https://me:pw@shop.example",
            "me:pw@",
            "credentials",
        );
        refused(
            "http-origin",
            "https://shop.example:99999",
            "https://shop.example:99999",
            "port",
        );
        refused("http-origin", "https://", "https://", "host");
    }

    #[test]
    fn a_host_has_no_scheme_port_or_path() {
        for good in ["cdn.example", "*.cdn.example", "localhost", "a_b.example"] {
            assert_eq!(check("host", good), Ok(()), "{good}");
        }
        refused("host", "https://cdn.example/x", "https://", "scheme");
        refused("host", "cdn.example:8080", ":8080", "port");
        refused("host", "*.cdn.example/a", "/a", "path");
        refused("host", "cdn.-bad.example", "-bad", "inner dashes");
        refused("host", "*.", "*.", "letters");
        refused("host", "cdn.*.example", "*", "letters");
    }

    #[test]
    fn a_selector_is_one_the_rewriter_understands() {
        assert_eq!(check("css-selector", "script[src^='https://x']"), Ok(()));
        refused("css-selector", "img:hover", "img:hover", "");
        refused("css-selector", "a[", "a[", "");
    }

    #[test]
    fn a_pattern_for_every_url_is_refused() {
        assert_eq!(check("url-pattern", "https://cdn.example/*"), Ok(()));
        refused("url-pattern", "**", "**", "every URL");
        refused("url-pattern", "https://a b", " ", "spaces");
    }
}
