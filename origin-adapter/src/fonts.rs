//! Google Fonts, for the edge: style sheets and font files by their path on Google's two hosts.
//!
//! Requests come from the edge alone, since no route of the manifest leads a visitor here. Even so nothing of a
//! request but its path and query is used, and both come out of a closed set: whoever gets here can read
//! Google's public fonts, and do nothing else.

use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use url::Url;

use crate::adapter::Adapter;
use crate::fetch::fetch;
use crate::headers;
use crate::pages;
use crate::platform::{Payload, Platform};
use crate::problem::Problem;

/// The browser that style sheets are asked for on behalf of. Google answers by it: any that reads WOFF2 and
/// `unicode-range` gets the same sheet, which every browser of the last years does.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
/// Longest query of a style sheet, in bytes. A sheet of ten families with all their weights takes 600.
const MAX_QUERY: usize = 2_000;

/// Answers one request with what Google has, or with an error. Redirects are none of its answers.
pub(crate) async fn respond<P: Platform>(
    adapter: &Adapter,
    platform: &P,
    request: Request<Payload<P::Body>>,
) -> Response<Payload<P::Body>> {
    let Some(uri) = (*request.method() == Method::GET)
        .then(|| at_google(adapter, request.uri()))
        .flatten()
    else {
        return refusal(StatusCode::NOT_FOUND, "This is no font of Google's.");
    };
    let mut ask = Request::new(Payload::Empty);
    *ask.uri_mut() = uri;
    for (name, value) in [
        (header::USER_AGENT, BROWSER),
        (header::ACCEPT, "text/css,font/woff2,*/*;q=0.1"),
        (header::ACCEPT_ENCODING, "identity"),
    ] {
        ask.headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    match fetch(adapter, platform, &adapter.fonts, adapter.deadlines(), ask).await {
        Ok(fetched) if fetched.response.status() == StatusCode::OK => {
            let mut response = fetched.response.map(Payload::Stream);
            headers::clean_response(response.headers_mut());
            response.headers_mut().remove(header::SET_COOKIE);
            response
        }
        Ok(_) | Err(_) => refusal(StatusCode::BAD_GATEWAY, "Google's fonts cannot be had now."),
    }
}

/// Where a path of ours is at Google.
fn at_google(adapter: &Adapter, uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_prefix(crate::adapter::FONTS)?;
    let host: &Url = match path {
        "/css" | "/css2" => {
            let query = uri.query()?;
            (query.len() <= MAX_QUERY && query.split('&').all(is_known)).then_some(())?;
            adapter.font_sheets()
        }
        _ => {
            (is_font(path) && uri.query().is_none()).then_some(())?;
            adapter.font_files()
        }
    };
    let rest = uri.path_and_query()?.as_str();
    let rest = rest.strip_prefix(crate::adapter::FONTS)?;
    pages::at_origin(host, &rest.parse().ok()?)
}

/// Whether a parameter only chooses among fonts.
fn is_known(parameter: &str) -> bool {
    matches!(parameter.split_once('='), Some(("family" | "display" | "subset", value)) if !value.is_empty())
}

/// `/s/<family>/v<version>/<file>.woff2`
fn is_font(path: &str) -> bool {
    let mut parts = path.split('/');
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let version = |text: &str| {
        text.strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    parts.next() == Some("")
        && parts.next() == Some("s")
        && parts.next().is_some_and(plain)
        && parts.next().is_some_and(version)
        && parts
            .next()
            .and_then(|file| file.strip_suffix(".woff2"))
            .is_some_and(plain)
        && parts.next().is_none()
}

fn refusal<B>(status: StatusCode, detail: &'static str) -> Response<Payload<B>> {
    Problem::new(status, "no_font", detail).response()
}
