//! What script elements and inline scripts give away: their kind, consent tools, other optimisers.

use http::HeaderMap;

use super::super::super::tag::Tag;

/// Whether a browser runs the element as a classic script.
pub(in super::super) fn is_classic_javascript(tag: &Tag<'_, '_, '_>) -> bool {
    const TYPES: [&str; 16] = [
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
    ];
    let kind = match (tag.value("type"), tag.value("language")) {
        (Some(kind), _) if kind.is_empty() => return true,
        (Some(kind), _) => kind,
        (None, Some(language)) if !language.is_empty() => format!("text/{language}"),
        _ => return true,
    };
    let kind = kind.trim_matches(|c: char| c.is_ascii_whitespace());
    TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known))
}

/// Whether a consent tool has marked the element as its own.
pub(in super::super) fn has_consent_attribute(tag: &Tag<'_, '_, '_>) -> bool {
    [
        "data-cookieconsent",
        "data-cmp",
        "data-usercentrics",
        "data-consent",
        "data-cookiecategory",
        "data-cbid",
        "data-domain-script",
        "data-iub",
    ]
    .iter()
    .any(|prefix| tag.has_prefixed(prefix))
}

/// Whether an inline script sets Google's consent default.
pub(super) fn sets_consent_default(text: &[u8]) -> bool {
    if !contains(text, b"consent") {
        return false;
    }
    let dense: Vec<u8> = text
        .iter()
        .filter(|b| !b.is_ascii_whitespace())
        .map(|b| if matches!(b, b'"' | b'`') { b'\'' } else { *b })
        .collect();
    contains(&dense, b"'consent','default'")
}

/// Another optimiser, by the headers it leaves.
pub(super) fn optimiser_in_headers(headers: &HeaderMap) -> Option<&'static str> {
    [
        ("x-mod-pagespeed", "PageSpeed"),
        ("x-page-speed", "PageSpeed"),
        ("x-nitro-cache", "NitroPack"),
    ]
    .into_iter()
    .find_map(|(header, name)| headers.contains_key(header).then_some(name))
}

/// Another optimiser, by what it has made of a script element.
pub(super) fn optimiser_in_tag(tag: &Tag<'_, '_, '_>) -> Option<&'static str> {
    let of_type = tag.value("type").and_then(|kind| {
        let kind = kind.to_ascii_lowercase();
        let marks = [
            ("text/psajs", "PageSpeed"),
            ("litespeed/javascript", "LiteSpeed"),
            ("rocketlazyloadscript", "WP Rocket"),
            ("text/rocketscript", "Rocket Loader"),
            ("-text/javascript", "Rocket Loader"),
            ("nitropack/", "NitroPack"),
        ];
        let mut marks = marks.into_iter();
        marks.find_map(|(mark, name)| kind.contains(mark).then_some(name))
    });
    of_type
        .or_else(|| {
            let src = tag.value("src")?.to_ascii_lowercase();
            let marks = [
                ("rocket-loader", "Rocket Loader"),
                ("pagespeed_static", "PageSpeed"),
                ("nitropack", "NitroPack"),
                ("nitrocdn", "NitroPack"),
                ("speedkit", "Speed Kit"),
                ("speed-kit", "Speed Kit"),
            ];
            let mut marks = marks.into_iter();
            marks.find_map(|(mark, name)| src.contains(mark).then_some(name))
        })
        .or_else(|| {
            let marks = [("data-rocket-", "WP Rocket"), ("data-nitro-", "NitroPack")];
            let mut marks = marks.into_iter();
            marks.find_map(|(prefix, name)| tag.has_prefixed(prefix).then_some(name))
        })
}

/// Another optimiser, by its inline loader.
pub(super) fn optimiser_in_script(text: &[u8]) -> Option<&'static str> {
    [
        (&b"RocketLazyLoadScripts"[..], "WP Rocket"),
        (b"__cfRLUnblockHandlers", "Rocket Loader"),
        (b"NitroPack", "NitroPack"),
        (b"litespeed_load_delayed_js", "LiteSpeed"),
        (b"speedKit", "Speed Kit"),
    ]
    .into_iter()
    .find_map(|(mark, name)| contains(text, mark).then_some(name))
}

fn contains(text: &[u8], mark: &[u8]) -> bool {
    text.windows(mark.len()).any(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_default_is_found_in_any_spelling() {
        for (text, expected) in [
            ("gtag('consent', 'default', {ad_storage: 'denied'})", true),
            ("gtag(\"consent\",\n  \"default\",{})", true),
            ("dataLayer.push(['consent','default',{}])", true),
            ("gtag('consent', 'update', {})", false),
            ("var consent = 'default'", false),
        ] {
            assert_eq!(sets_consent_default(text.as_bytes()), expected, "{text}");
        }
    }
}
