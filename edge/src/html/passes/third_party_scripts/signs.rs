//! What script elements and inline scripts give away: their kind, and consent tools.

use memchr::memmem;

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
        "data-cookieyes",
        "data-cbid",
        "data-domain-script",
        "data-iub",
        "data-borlabs",
        "data-tcf-",
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

/// A consent tool's inline loader says who it is near its beginning; what follows can be long data of the
/// shop's.
const SEARCHED: usize = 16 << 10;

/// The consent tool that an inline script loads, sets up, or stands in for.
pub(super) fn consent_tool(text: &[u8]) -> Option<&'static str> {
    let text = &text[..text.len().min(SEARCHED)];
    [
        ("__tcfapi", "of the IAB's framework"),
        ("didomiConfig", "didomi"),
        ("sdk.privacy-center.org", "didomi"),
        ("_iub.csConfiguration", "iubenda"),
        ("axeptioSettings", "axeptio"),
        ("OptanonWrapper", "onetrust"),
        ("Cookiebot", "cookiebot"),
        ("UC_UI", "usercentrics"),
        ("_sp_queue", "sourcepoint"),
        ("CookieControl", "civic"),
        ("klaroConfig", "klaro"),
        ("tarteaucitron", "tarteaucitron"),
        ("cookieconsent", "cookieconsent"),
        ("CookieConsent", "cookieconsent"),
    ]
    .into_iter()
    .find_map(|(mark, name)| memmem::find(text, mark.as_bytes()).map(|_| name))
}

fn contains(text: &[u8], mark: &[u8]) -> bool {
    memmem::find(text, mark).is_some()
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
