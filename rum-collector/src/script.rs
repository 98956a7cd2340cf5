//! The beacon script: what `edge` injects and the collector serves.
//!
//! Its source is `script/src/beacon.js`; `npm ci && npm run build` in `script/` (a step of `cargo xtask build`)
//! bundles it with the `web-vitals` package. A build without that step has no script: [`BODY`] is `None`,
//! `edge` injects nothing, and the collector answers 503.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, Method, Response, StatusCode};

use crate::outcome::problem;

include!(concat!(env!("OUT_DIR"), "/script.rs"));

/// Why `edge` injects nothing when [`BODY`] is `None`.
pub const MISSING: &str = "no beacon script in this build";

/// A year, the longest that caches heed; the name changes with the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For pages that name an earlier script: they get today's, and ask again soon.
const FOR_NOW: &str = "public, max-age=300";

/// Answers a request below [`crate::collect::SCRIPT_PREFIX`].
pub(crate) fn serve(method: &Method, path: &str, headers: &HeaderMap) -> Response<Bytes> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = problem(
            StatusCode::METHOD_NOT_ALLOWED,
            "a script is fetched with GET",
        );
        set(&mut response, ALLOW, "GET, HEAD");
        return response;
    }
    if !is_script_name(path) {
        return problem(StatusCode::NOT_FOUND, "there is nothing here");
    }
    let Some(body) = BODY else {
        return problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "the beacon script was not built; run `cargo xtask build`",
        );
    };
    let (body, coding) = encoded(body, headers);
    let etag = format!(
        "\"{HASH}{}{coding}\"",
        if coding.is_empty() { "" } else { "-" }
    );
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| known.contains(&etag));
    let mut response = Response::new(Bytes::new());
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        if method == Method::GET {
            *response.body_mut() = Bytes::from_static(body);
        }
        set(
            &mut response,
            CONTENT_TYPE,
            "text/javascript; charset=utf-8",
        );
        set(
            &mut response,
            HeaderName::from_static("x-content-type-options"),
            "nosniff",
        );
        if !coding.is_empty() {
            set(&mut response, CONTENT_ENCODING, coding);
        }
    }
    let lifetime = if path == PATH { FOR_EVER } else { FOR_NOW };
    set(&mut response, CACHE_CONTROL, lifetime);
    set(&mut response, VARY, "accept-encoding");
    if let Ok(etag) = HeaderValue::try_from(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

fn set(response: &mut Response<Bytes>, name: HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}

/// Whether a path is that of a script of this or another build: sixteen hexadecimal digits and `.js`.
fn is_script_name(path: &str) -> bool {
    let hash = path
        .strip_prefix(crate::collect::SCRIPT_PREFIX)
        .and_then(|name| name.strip_suffix(".js"));
    path == PATH
        || hash.is_some_and(|hash| {
            hash.len() == 16
                && hash
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
}

/// The smallest form that the client takes.
fn encoded(body: &'static [u8], headers: &HeaderMap) -> (&'static [u8], &'static str) {
    match (BROTLI, GZIP) {
        (Some(brotli), _) if accepts(headers, "br") => (brotli, "br"),
        (_, Some(gzip)) if accepts(headers, "gzip") => (gzip, "gzip"),
        _ => (body, ""),
    }
}

/// Whether `Accept-Encoding` names a coding, and not with a weight of zero.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let refused = parts
                .filter_map(|part| part.strip_prefix("q="))
                .any(|weight| weight.parse().is_ok_and(|weight: f32| weight <= 0.0));
            named && !refused
        })
}

#[cfg(test)]
mod tests;
