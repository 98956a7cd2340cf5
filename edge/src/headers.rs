//! Header surgery: the one file that writes `Via`, `CDN-Loop`, `X-Forwarded-*`, `Vary`, `Cache-Control`,
//! `Set-Cookie`, `Server-Timing` and `X-Vitrine`, and that removes what a changed body makes untrue.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::experiment;

/// Who is asking, as the host saw it. A door puts it into the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visitor {
    /// Address of the client, without its port.
    pub addr: Option<String>,
    /// Whether the client came by TLS.
    pub secure: bool,
    /// Host and port that the client asked for.
    pub host: Option<String>,
}

/// Headers of one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What a client may not claim about itself, because origins believe it and caches do not key on it (H50).
const CLAIMS: [&str; 7] = [
    "forwarded",
    "x-original-url",
    "x-rewrite-url",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "host",
];

/// `edge` in `Via` and `CDN-Loop`.
const PSEUDONYM: &str = "vitrine";
/// What `origin-adapter` says about the origin; never leaves the house.
const ORIGIN_REPORT: &str = "x-vitrine-origin";

/// Headers for the origin: the client's own, without those of its connection and without its claims, and
/// with what the host really saw.
pub fn to_origin(client: &HeaderMap, visitor: &Visitor, class: &'static str) -> HeaderMap {
    let mut headers = client.clone();
    strip_hop_by_hop(&mut headers);
    let ours = |name: &str| {
        name.starts_with("x-vitrine-")
            || name.starts_with("spin-")
            || name.starts_with("x-forwarded-")
            || CLAIMS.contains(&name)
    };
    let claims: Vec<HeaderName> = headers
        .keys()
        .filter(|n| ours(n.as_str()))
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
    let mut set = |name: &'static str, value: Option<&str>| {
        if let Some(value) = value.and_then(|v| HeaderValue::from_str(v).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-forwarded-for", visitor.addr.as_deref());
    set("x-forwarded-host", visitor.host.as_deref());
    set(
        "x-forwarded-proto",
        Some(if visitor.secure { "https" } else { "http" }),
    );
    set("x-vitrine-class", Some(class));
    keep_bucket_key_here(&mut headers);
    headers.append(header::VIA, HeaderValue::from_static("1.1 vitrine"));
    headers.append("cdn-loop", HeaderValue::from_static(PSEUDONYM));
    headers
}

/// Takes our own cookie out: the shop, and what it keys on cookies, behaves as if we were not there.
fn keep_bucket_key_here(headers: &mut HeaderMap) {
    let ours = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        name == experiment::COOKIE
    };
    let lines: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    let has_ours = |line: &HeaderValue| line.to_str().is_ok_and(|line| line.split(';').any(ours));
    if !lines.iter().any(has_ours) {
        return;
    }
    headers.remove(header::COOKIE);
    for line in lines {
        let Ok(text) = line.to_str() else {
            headers.append(header::COOKIE, line);
            continue;
        };
        let theirs: Vec<&str> = text
            .split(';')
            .filter(|pair| !ours(pair))
            .map(str::trim)
            .collect();
        if let Ok(value) = HeaderValue::from_str(&theirs.join("; "))
            && !value.is_empty()
        {
            headers.append(header::COOKIE, value);
        }
    }
}

/// Whether this request has been here before (RFC 8586).
pub fn is_loop(headers: &HeaderMap) -> bool {
    tokens(headers, &HeaderName::from_static("cdn-loop")).any(|token| {
        token
            .split(';')
            .next()
            .is_some_and(|name| name.trim() == PSEUDONYM)
    })
}

/// Removes what would make the origin answer with less than a whole page (H17).
pub fn ask_for_the_whole(headers: &mut HeaderMap) {
    for name in [
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
        header::RANGE,
    ] {
        headers.remove(name);
    }
}

/// What `origin-adapter` reported about the origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OriginReport {
    /// `ok`, `retried`, `open`, `down` or `timeout`; empty when nothing was said.
    pub status: String,
    /// Milliseconds until the origin's head.
    pub ttfb_ms: Option<u64>,
}

impl OriginReport {
    /// Whether the answer is the adapter's own, because the origin gave none.
    pub fn is_down(&self) -> bool {
        matches!(self.status.as_str(), "open" | "down" | "timeout")
    }
}

/// Takes the adapter's report out of a response, with everything else that must not leave the house.
pub fn from_origin(headers: &mut HeaderMap) -> OriginReport {
    strip_hop_by_hop(headers);
    let mut report = OriginReport::default();
    if let Some(value) = headers.remove(ORIGIN_REPORT) {
        for item in value.to_str().unwrap_or_default().split(';') {
            match item.trim().split_once('=') {
                Some(("status", value)) => value.clone_into(&mut report.status),
                Some(("ttfb", value)) => report.ttfb_ms = value.parse().ok(),
                _ => {}
            }
        }
    }
    report
}

/// Removes what a changed body makes untrue (H16).
pub fn body_changed(headers: &mut HeaderMap) {
    for name in [
        "content-length",
        "content-md5",
        "digest",
        "repr-digest",
        "content-digest",
        "accept-ranges",
    ] {
        headers.remove(name);
    }
    if let Some(etag) = headers.get(header::ETAG).and_then(|v| v.to_str().ok())
        && !etag.starts_with("W/")
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{etag}"))
    {
        headers.insert(header::ETAG, weak);
    }
}

/// Removes digests of a body that is replaced by an equivalent one with its own `ETag`.
pub fn drop_digests(headers: &mut HeaderMap) {
    for name in ["content-md5", "digest", "repr-digest", "content-digest"] {
        headers.remove(name);
    }
}

/// States the coding that the body is sent in.
pub fn set_content_encoding(headers: &mut HeaderMap, token: Option<&'static str>) {
    match token {
        Some(token) => headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token)),
        None => headers.remove(header::CONTENT_ENCODING),
    };
}

/// Adds a name to `Vary` unless it is there, keeping every line that the origin sent.
pub fn add_vary(headers: &mut HeaderMap, name: &'static str) {
    let known = tokens(headers, &header::VARY).any(|t| t == "*" || t.eq_ignore_ascii_case(name));
    if !known {
        headers.append(header::VARY, HeaderValue::from_static(name));
    }
}

/// Keeps a page that carries something of this visitor (a cookie, a token, an arm) out of shared caches
/// further out. What the browser itself may do stays the origin's decision, so bfcache is untouched (H88).
pub fn keep_from_shared_caches(headers: &mut HeaderMap) {
    for name in ["surrogate-control", "cdn-cache-control"] {
        headers.remove(name);
    }
    let mut kept: Vec<String> = tokens(headers, &header::CACHE_CONTROL)
        .map(str::to_owned)
        .collect();
    let is = |directive: &str, name: &str| {
        directive
            .split('=')
            .next()
            .is_some_and(|d| d.trim().eq_ignore_ascii_case(name))
    };
    if kept
        .iter()
        .any(|d| is(d, "no-store") || d.eq_ignore_ascii_case("private"))
    {
        return;
    }
    kept.retain(|d| {
        !["public", "s-maxage", "proxy-revalidate"]
            .iter()
            .any(|name| is(d, name))
    });
    kept.insert(0, "private".into());
    if let Ok(value) = HeaderValue::from_str(&kept.join(", ")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

/// Makes an answer good for a while only, because a better one is on its way: lifetimes beyond `seconds` end then, and
/// what has run out is still shown while it is fetched anew.
pub fn keep_for_a_while(headers: &mut HeaderMap, seconds: u64) {
    let own = tokens(headers, &header::CACHE_CONTROL);
    let mut kept: Vec<String> = own
        .filter(|directive| !directive.eq_ignore_ascii_case("immutable"))
        .map(|directive| match directive.split_once('=') {
            Some((name, value))
                if ["max-age", "s-maxage"]
                    .iter()
                    .any(|d| name.trim().eq_ignore_ascii_case(d)) =>
            {
                let value = value.trim().trim_matches('"').parse().unwrap_or(0);
                format!("{}={}", name.trim(), seconds.min(value))
            }
            _ => directive.to_owned(),
        })
        .collect();
    if !kept
        .iter()
        .any(|directive| directive.starts_with("stale-while-revalidate"))
    {
        kept.push("stale-while-revalidate=31536000".into());
    }
    if let Ok(value) = HeaderValue::from_str(&kept.join(", ")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    for name in ["expires", "surrogate-control", "cdn-cache-control"] {
        headers.remove(name);
    }
}

/// Keeps an answer out of every cache: it stands in for a better one for this once.
pub fn keep_out_of_caches(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for name in ["expires", "surrogate-control", "cdn-cache-control"] {
        headers.remove(name);
    }
}

/// Marks the response as having passed through, and says what was done and how long it took.
pub fn sign(headers: &mut HeaderMap, summary: &str, timing: &str) {
    headers.append(header::VIA, HeaderValue::from_static("1.1 vitrine"));
    if let Ok(value) = HeaderValue::from_str(summary) {
        headers.insert("x-vitrine", value);
    }
    if let Ok(value) = HeaderValue::from_str(timing) {
        headers.append("server-timing", value);
    }
}

/// Gives the visitor a bucket key.
pub fn set_bucket_cookie(headers: &mut HeaderMap, key: &str, secure: bool) {
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("_v_b={key}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// The value of one cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The items of a comma-separated header, over all its lines. Commas inside quotes do not separate.
pub fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(split_list)
}

fn split_list(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value
        .split(move |c| {
            if c == '"' {
                quoted = !quoted;
            }
            c == ',' && !quoted
        })
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Whether `Cache-Control` forbids changing the body (H14).
pub fn is_no_transform(headers: &HeaderMap) -> bool {
    tokens(headers, &header::CACHE_CONTROL).any(|d| d.eq_ignore_ascii_case("no-transform"))
}

/// The media type, in lower case and without parameters.
pub fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| {
            value
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        })
        .unwrap_or_default()
}

/// `Content-Length`, where it is there and a number.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = tokens(headers, &header::CONNECTION)
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Says of a request that nobody waits for its answer (RFC 9218, 4.1: urgency 7, "background tasks").
pub(crate) fn nobody_waits(headers: &mut HeaderMap) {
    headers.insert("priority", HeaderValue::from_static("u=7"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_client_cannot_claim_to_be_someone_else() {
        let client = map(&[
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-prefix", "/evil"),
            ("x-vitrine-class", "page"),
            ("spin-client-addr", "6.6.6.6:1"),
            ("x-original-url", "/admin"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("cookie", "a=1"),
        ]);
        let visitor = Visitor {
            addr: Some("203.0.113.9".into()),
            secure: true,
            host: Some("shop.example".into()),
        };
        let sent = to_origin(&client, &visitor, "asset");
        assert_eq!(sent["x-forwarded-for"], "203.0.113.9");
        assert_eq!(sent["x-forwarded-proto"], "https");
        assert_eq!(sent["x-forwarded-host"], "shop.example");
        assert_eq!(sent["x-vitrine-class"], "asset");
        assert_eq!(sent["cookie"], "a=1");
        for gone in [
            "x-forwarded-prefix",
            "spin-client-addr",
            "x-original-url",
            "x-hop",
            "connection",
        ] {
            assert!(!sent.contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn our_cookie_stays_here_and_the_shops_pass() {
        for (sent, got) in [
            (
                "sid=1; _v_b=0123456789abcdef; cur=USD",
                Some("sid=1; cur=USD"),
            ),
            ("_v_b=0123456789abcdef", None),
            ("x_v_b=1;y=2", Some("x_v_b=1;y=2")),
        ] {
            let headers = to_origin(&map(&[("cookie", sent)]), &Visitor::default(), "page");
            let cookie = headers.get("cookie").map(|value| value.to_str().unwrap());
            assert_eq!(cookie, got, "{sent}");
        }
    }

    #[test]
    fn a_page_of_one_visitor_is_private_but_stays_as_fresh_as_the_origin_said() {
        for (before, after) in [
            ("public, max-age=60, s-maxage=600", "private, max-age=60"),
            (
                "max-age=0, must-revalidate",
                "private, max-age=0, must-revalidate",
            ),
            ("private, max-age=0", "private, max-age=0"),
            ("no-store", "no-store"),
        ] {
            let mut headers = map(&[
                ("cache-control", before),
                ("surrogate-control", "max-age=9"),
            ]);
            keep_from_shared_caches(&mut headers);
            assert_eq!(headers["cache-control"], after);
            assert!(!headers.contains_key("surrogate-control"));
        }
    }

    #[test]
    fn vary_is_added_to_and_never_replaced() {
        let mut headers = map(&[("vary", "Cookie"), ("vary", "X-Country")]);
        add_vary(&mut headers, "Accept-Encoding");
        add_vary(&mut headers, "Accept-Encoding");
        let all: Vec<_> = headers.get_all("vary").iter().collect();
        assert_eq!(all, ["Cookie", "X-Country", "Accept-Encoding"]);
    }
}
