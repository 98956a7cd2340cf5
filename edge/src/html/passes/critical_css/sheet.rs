//! The text of a critical style: what it must not have in it, and how it is written into a page.

use std::fmt::Write as _;

/// Longest style, in bytes: more does not fit into the first round trips of a connection, and then the page
/// waits for what was to save it from waiting.
pub const MAX_BYTES: usize = 32 << 10;

/// Rules that would mean something else at the head of the page, or that wait for something to load.
const FOREIGN: [&str; 3] = ["@import", "@charset", "@namespace"];

/// What is wrong with a style, if anything.
pub(super) fn problem(css: &str) -> Option<String> {
    if css.trim().is_empty() {
        return Some("the style is empty".into());
    }
    if css.len() > MAX_BYTES {
        return Some(format!(
            "the style has {} bytes; at most {MAX_BYTES} fit into the first round trips",
            css.len()
        ));
    }
    let lower = css.to_ascii_lowercase();
    if lower.contains("</style") || lower.contains("<!--") {
        return Some("`</style` and `<!--` would end the style within the page".into());
    }
    if let Some(rule) = FOREIGN.iter().find(|rule| lower.contains(**rule)) {
        return Some(format!("`{rule}` has no place in a style within a page"));
    }
    relative_url(css, &lower).map(|url| {
        format!("`url({url})` is relative to its sheet: within a page, write it from `/` on")
    })
}

/// The first address that would mean something else on another page.
fn relative_url<'a>(css: &'a str, lower: &str) -> Option<&'a str> {
    let addresses = lower.match_indices("url(").map(|(at, found)| {
        let rest = &css[at + found.len()..];
        let end = rest.find(')').unwrap_or(rest.len());
        rest[..end].trim().trim_matches(['"', '\''])
    });
    addresses.into_iter().find(|address| {
        let has_scheme = address.split_once(':').is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        !(has_scheme || address.is_empty() || address.starts_with(['/', '#']))
    })
}

/// The style in ASCII: any other character as a CSS escape, which means the same in names and in strings.
pub(super) fn ascii(css: &str) -> String {
    let mut text = String::with_capacity(css.len());
    for char in css.trim().chars() {
        if char.is_ascii() {
            text.push(char);
        } else {
            let _ = write!(text, "\\{:x} ", u32::from(char));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_that_would_not_mean_the_same_within_a_page_is_refused() {
        for (css, part) in [
            ("", "empty"),
            (" \n", "empty"),
            ("a{} </STYLE><script>", "would end the style"),
            ("@import \"b.css\";", "`@import` has no place"),
            ("a{background:url(img/b.png)}", "`url(img/b.png)` is relative"),
            ("a{background:URL( '../b.png' )}", "`url(../b.png)` is relative"),
        ] {
            let problem = problem(css).unwrap_or_default();
            assert!(problem.contains(part), "{css}: {problem}");
        }
        assert!(problem(&"a{}".repeat(11_000)).is_some());
        for css in [
            "a{background:url(/b.png)}",
            "a{background:url(\"data:image/png;base64,AA\")}",
            "a{fill:url(#g)} @layer base{b{c:d}}",
            "a{background:url(https://cdn.example/b.png)}",
        ] {
            assert_eq!(problem(css), None, "{css}");
        }
    }

    #[test]
    fn other_characters_are_escaped() {
        assert_eq!(ascii("a::before{content:\"\u{2192}x\"}"), "a::before{content:\"\\2192 x\"}");
    }
}
