//! What the fuzz targets in `edge/fuzz` call: each takes any bytes, runs one parser, and asserts what must hold
//! whatever they are.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken law ends the run"
)]

use std::rc::Rc;

use http::HeaderMap;
use url::Url;

use super::csp::{Csp, Ruling};
use super::hints::TemplateHints;
use super::link_header::Link;
use super::passes::Config;
use super::url_pattern::UrlPattern;
use super::{PageFacts, Rewriter, vendors};
use crate::fallback_fonts::sheet::with_stand_ins;

fn page() -> Url {
    "https://shop.example/p/1".parse().unwrap()
}

fn halves(bytes: &[u8]) -> (String, String) {
    let cut = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let (first, second) = bytes.split_at(cut);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', "");
    (text(first), text(second))
}

/// Content security policy: a second policy never allows what the first forbids, and a nonce that is to stand in
/// an attribute can.
pub fn csp(bytes: &[u8]) {
    let (first, second) = halves(bytes);
    let mut headers = HeaderMap::new();
    let Ok(value) = http::HeaderValue::from_str(&first) else {
        return;
    };
    headers.insert(http::header::CONTENT_SECURITY_POLICY, value);
    let url = page().join("/_v/s/0123456789abcdef-x").unwrap();
    let verdicts = |csp: &Csp| {
        [
            csp.external_script(&url),
            csp.inline_script("f()"),
            csp.external_style(&url),
            csp.inline_style("a{}"),
            csp.style_attribute("width:1px"),
            csp.font(&url),
            csp.image(&url),
            csp.frame(&url),
            csp.beacon(&url),
            csp.speculation_rules("{}"),
        ]
    };
    let mut csp = Csp::of(page(), &headers);
    let before = verdicts(&csp);
    csp.add_meta(&second);
    for (before, after) in before.iter().zip(verdicts(&csp)) {
        if let Ruling::WithNonce(nonce) = &after.ruling {
            assert!(
                !nonce.is_empty() && nonce.is_ascii() && !nonce.contains(['"', '<', '&', '\''])
            );
        }
        if before.refusal().is_some() {
            assert!(after.refusal().is_some(), "{first:?} {second:?}");
        }
    }
}

/// URL patterns of vendor rules: no pattern panics, and a pattern without a wildcard matches itself.
pub fn vendor_rules(bytes: &[u8]) {
    let (pattern, address) = halves(bytes);
    let url = page().join(&address);
    if let Ok(url) = &url {
        let vendor = vendors::of(url);
        assert!(vendor.is_none_or(|vendor| !vendor.id.is_empty()));
    }
    let Some(compiled) = UrlPattern::parse(&pattern) else {
        return;
    };
    if let Ok(url) = &url {
        compiled.matches(url);
        compiled.matches_on(url, &page());
    }
    if !pattern.contains('*')
        && let Ok(own) = Url::parse(&pattern)
        && own.as_str() == pattern
        && matches!(own.scheme(), "http" | "https")
        && own.username().is_empty()
        && own.password().is_none()
        && own.fragment().is_none()
    {
        assert!(compiled.matches(&own), "{pattern}");
    }
}

/// Selectors from hints and from the policy: whatever they are, the page comes out whole.
pub fn selectors(bytes: &[u8]) {
    let (selector, html) = halves(bytes);
    let rule = serde_json::json!({"selector": selector, "width": 6, "height": 8});
    let config = serde_json::json!({"size_images": {"rules": [rule]}});
    let Ok(config) = serde_json::from_value::<Config>(config) else {
        return;
    };
    let problems = config.problems();
    let html = format!("<!doctype html><html><head></head><body>{html}</body></html>");
    let output = rewrite(&config, html.as_bytes(), html.len());
    if !problems.is_empty() {
        assert_eq!(
            output,
            html.as_bytes(),
            "a rule that is refused changes nothing"
        );
    }
}

/// Whole pages: the pieces in which they arrive do not matter, and with every pass off nothing changes.
pub fn page_in_pieces(bytes: &[u8]) {
    let Some((size, html)) = bytes.split_first() else {
        return;
    };
    let config = serde_json::json!({
        "third_party_scripts": {"rules": [
            {"match": "https://chat.example/*", "action": "idle"},
            {"match": "https://**", "action": "async"}
        ]},
        "size_images": {"rules": [{"selector": "img", "width": 6, "height": 8}]},
        "preconnect": {"origins": ["https://cdn.example"]}
    });
    let config: Config = serde_json::from_value(config).unwrap();
    let whole = rewrite(&config, html, html.len());
    assert_eq!(rewrite(&config, html, usize::from(*size)), whole);
    assert_eq!(rewrite(&Config::off(), html, usize::from(*size)), html);
}

fn html_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers
}

fn rewrite(config: &Config, html: &[u8], size: usize) -> Vec<u8> {
    let facts = PageFacts::new(page(), "product", html_headers());
    run(Rewriter::new(config, facts), html, size)
}

fn run(mut rewriter: Rewriter, html: &[u8], size: usize) -> Vec<u8> {
    let mut output = Vec::new();
    for piece in html.chunks(size.max(1)) {
        output.extend(rewriter.write(piece));
    }
    output.extend(rewriter.end());
    output
}

/// The header `Link`: what is read from any value is written so that it is read again as the same.
pub fn link(bytes: &[u8]) {
    let value = String::from_utf8_lossy(bytes);
    for link in Link::parse(&value) {
        let Some(written) = link.header() else {
            continue;
        };
        let written = written.to_str().unwrap();
        let again = Link::parse(written);
        assert_eq!(again, std::slice::from_ref(&link), "{value:?}: {written}");
    }
}

/// Candidates of a picture, as authors write them: the preload of an image is one line of ASCII that no markup can
/// get out of, and the page is otherwise as it was.
pub fn srcset(bytes: &[u8]) {
    let (source, image) = halves(bytes);
    let attribute = |text: &str| text.replace('"', "&quot;");
    let html = format!(
        "<!doctype html><html><head></head><body><picture><source srcset=\"{}\" media=\"(min-width: 9px)\">\
         <img class=a srcset=\"{}\" src=/a.jpg></picture><img class=b src=/b.jpg></body></html>",
        attribute(&source),
        attribute(&image)
    );
    let group = |viewport: &str, class: &str| {
        let image = serde_json::json!({"selector": class, "seen": 900, "lcp": 900});
        serde_json::json!({"viewport": viewport, "views": 900, "images": [image]})
    };
    let hints = serde_json::json!({
        "template": "product",
        "groups": [group("phone", "img.a"), group("desktop", "img.b")]
    });
    let Ok(hints) = serde_json::from_value::<TemplateHints>(hints) else {
        return;
    };
    let mut facts = PageFacts::new(page(), "product", html_headers());
    facts.hints = Some(Rc::new(hints));
    let output = run(Rewriter::new(&Config::default(), facts), html.as_bytes(), 7);
    let output = String::from_utf8_lossy(&output);
    assert!(
        output.ends_with("<img class=b src=/b.jpg></body></html>"),
        "{output}"
    );
    for inserted in output.split("<link rel=\"preload\"").skip(1) {
        let end = inserted.find("data-v=\"lcp_image\">");
        assert!(
            end.is_some_and(|end| !inserted[..end].contains('<')),
            "{inserted}"
        );
    }
}

/// A style sheet: whatever it is, a sheet with stand-ins is that sheet, with names in it and faces behind it, and gets
/// no more of them.
pub fn sheet(bytes: &[u8]) {
    let css = String::from_utf8_lossy(bytes);
    let Ok(made) = with_stand_ins(&css) else {
        return;
    };
    assert!(with_stand_ins(&made).is_err(), "{made}");
    if css.contains("v-fallback") {
        return;
    }
    let (named, last) = made.rsplit_once(" v-fallback\"").unwrap();
    let mut shipped = String::new();
    for part in named.split(" v-fallback\"") {
        let quote = part.rfind('"').unwrap();
        match part[..quote].strip_suffix(',') {
            Some(before) => shipped.push_str(before),
            None => shipped.push_str(part),
        }
    }
    shipped.push_str(last);
    let faces = shipped.strip_prefix(css.as_ref()).unwrap();
    assert!(
        faces.is_empty() || faces.starts_with("@font-face{") || faces.starts_with("@supports ")
    );
}
