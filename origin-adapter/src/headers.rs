//! Which headers travel between the edge, the adapter and the origin.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// What the adapter tells the edge about the origin's answer.
pub(crate) const ORIGIN: HeaderName = HeaderName::from_static("x-vitrine-origin");
/// What kind of thing the edge is asking for: `page`, `asset`, `image` or `other`.
pub(crate) const CLASS: HeaderName = HeaderName::from_static("x-vitrine-class");

/// RFC 9110 section 7.6.1, and `expect`, which is answered by the hop that receives it.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

/// What shops believe when a proxy says it, and any visitor can say too: who they are, which path is meant,
/// and a proxy for the shop's own calls. The edge states the visitor's address in `X-Forwarded-*`.
const SPOOFABLE: [HeaderName; 5] = [
    header::FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("proxy"),
];

/// What a request may carry to the origin: hop-by-hop headers, `Host`, what a visitor could pretend, and what
/// Vitrine's own components say among themselves stay behind.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    headers.remove(header::HOST);
    for name in &SPOOFABLE {
        headers.remove(name);
    }
    remove_internal(headers);
}

/// What a response may carry to the edge.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    headers.remove(header::PROXY_AUTHENTICATE);
    remove_internal(headers);
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn remove_internal(headers: &mut HeaderMap) {
    let internal: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            name.as_str().starts_with("x-vitrine-") || name.as_str().starts_with("spin-")
        })
        .cloned()
        .collect();
    for name in internal {
        headers.remove(name);
    }
}

/// Turns a `Location` or `Content-Location` that names the origin by its own address into a path, so that
/// the visitor stays on the address that they see. Everything else stays as the origin wrote it, another
/// scheme on the same host included: a path would make that redirect a loop.
pub(crate) fn localise(headers: &mut HeaderMap, origin: &Url) {
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        let local = headers
            .get(&name)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| local_path(value, origin));
        if let Some(path) = local.and_then(|path| HeaderValue::from_str(&path).ok()) {
            headers.insert(name, path);
        }
    }
}

fn local_path(location: &str, origin: &Url) -> Option<String> {
    let location = location.trim();
    let absolute = if location.starts_with("//") {
        format!("{}:{location}", origin.scheme())
    } else {
        location.to_owned()
    };
    // The authority is compared as a parsed URL; the rest stays the origin's own spelling.
    let parsed = Url::parse(&absolute).ok()?;
    if !parsed.has_host() || !same_place(&parsed, origin) || !parsed.username().is_empty() {
        return None;
    }
    let rest = &absolute[absolute.find("://")? + 3..];
    let path = rest
        .find(['/', '?', '#', '\\'])
        .map_or("", |at| &rest[at..]);
    Some(match path.as_bytes() {
        // A browser reads a leading `//` or `/\` as another host; `/.` in front keeps it a path.
        [b'/' | b'\\', b'/' | b'\\', ..] => format!("/.{path}"),
        [b'/', ..] => path.to_owned(),
        _ => format!("/{path}"),
    })
}

/// Loopback names are one place: a shop on `127.0.0.1` that calls itself `localhost` means itself.
fn same_place(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.port_or_known_default() == b.port_or_known_default()
        && (a.host() == b.host() || (is_loopback(a) && is_loopback(b)))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(origin: &str, location: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        localise(&mut headers, &Url::parse(origin).unwrap());
        headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_location_at_the_origins_own_authority_becomes_a_path() {
        let origin = "http://127.0.0.1:3100";
        assert_eq!(
            located(origin, "http://127.0.0.1:3100/cart?a=1#x"),
            "/cart?a=1#x"
        );
        assert_eq!(located(origin, "http://localhost:3100"), "/");
        assert_eq!(located(origin, "//127.0.0.1:3100/a%20b"), "/a%20b");
        assert_eq!(located(origin, "HTTP://127.0.0.1:3100?q"), "/?q");
    }

    #[test]
    fn a_location_elsewhere_stays_as_the_origin_wrote_it() {
        let origin = "http://shop.example";
        for there in [
            "http://pay.example/x",
            "https://shop.example/x",
            "http://shop.example:8080/x",
            "http://user@shop.example/x",
            "/already/relative",
            "../up",
            "mailto:shop@shop.example",
        ] {
            assert_eq!(located(origin, there), there);
        }
    }

    #[test]
    fn a_path_that_reads_like_a_host_does_not_leave_the_shop() {
        assert_eq!(
            located("http://shop.example", "http://shop.example//evil.example"),
            "/.//evil.example"
        );
        assert_eq!(
            located("http://shop.example", "http://shop.example/\\evil.example"),
            "/./\\evil.example"
        );
    }

    #[test]
    fn hop_by_hop_headers_those_that_connection_names_and_pretences_stay_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Private"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("host", "visitor.example"),
            ("x-vitrine-class", "page"),
            ("spin-client-addr", "192.0.2.1:5"),
            ("forwarded", "for=198.51.100.1"),
            ("x-real-ip", "198.51.100.1"),
            ("x-original-url", "/admin"),
            ("proxy", "http://evil.example"),
            ("x-forwarded-for", "192.0.2.1"),
            ("cookie", "sid=1"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        clean_request(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cookie", "x-forwarded-for"]);
    }

    #[test]
    fn an_origin_cannot_speak_for_vitrine_and_keeps_its_cookies_in_order() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("set-cookie", "a=1"),
            ("x-vitrine-origin", "status=ok"),
            ("set-cookie", "b=2"),
            ("set-cookie", "c=3"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        clean_response(&mut headers);
        assert!(!headers.contains_key(&ORIGIN));
        let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2", "c=3"]);
    }
}
