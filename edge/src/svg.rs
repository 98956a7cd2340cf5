//! An SVG is a page in disguise: opened by itself, its scripts run as the shop's own. A picture that somebody has
//! uploaded must not.
//!
//! Not a byte of it is changed. In an `<img>` or a style sheet, browsers run nothing of an SVG and load nothing for
//! it, and taking pieces out could only change how it looks. Anywhere else, a policy goes along that lets no script run.
//! What the shop's own pages frame (`<object>`, `<iframe>`, `<embed>`) may be a drawing that is meant to do something,
//! and is left as it is.

use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderMap, HeaderValue};

use crate::headers;

/// No script, in whatever form. Fonts and symbols of the same shop still load: without `allow-same-origin` they would
/// count as another site's.
const POLICY: &str = "script-src 'none'; object-src 'none'; sandbox allow-same-origin";

/// Adds the policy to an answer that is an SVG. Says whether it did.
pub(crate) fn guard(client: &HeaderMap, answer: &mut HeaderMap) -> bool {
    if headers::media_type(answer) != "image/svg+xml" {
        return false;
    }
    for name in ["Sec-Fetch-Dest", "Sec-Fetch-Site"] {
        headers::add_vary(answer, name);
    }
    let says = |name| client.get(name).and_then(|value| value.to_str().ok());
    let framed = match says("sec-fetch-dest") {
        Some("object" | "embed" | "iframe" | "frame") => true,
        Some(_) => false,
        // Nobody knows what such a browser wants it for.
        None => return false,
    };
    if framed && matches!(says("sec-fetch-site"), Some("same-origin" | "same-site")) {
        return false;
    }
    // Beside a policy of the shop's: each may only forbid more.
    answer.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    true
}
