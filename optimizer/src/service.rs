//! `POST /encode` and `POST /css` over HTTP, as the doors speak them to `edge`.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

use crate::{Coding, Crop, Effort, Job, Quality, Skip, Target, encode, limits, minify, strip};

/// Where [`respond`] listens for images.
pub const PATH: &str = "/encode";
/// Where [`respond`] listens for style sheets.
pub const SHEET_PATH: &str = "/css";

/// Answers one request.
///
/// `POST /encode` with the original as body, `x-vitrine-to: avif|webp|same` and optionally
/// `x-vitrine-quality: 1..100`, `x-vitrine-width` (pixels), `x-vitrine-crop: 4x5@50-30` (a shape, and the point that
/// matters, in percent) and `x-vitrine-effort: first|refined` (refined) gives 200 with a smaller file and
/// `x-vitrine-recipe`, or 204 with `x-vitrine-skip` and its reason. Where the original stays and has something in it
/// that is no part of its picture, 200 with the rest of it, a recipe, and `x-vitrine-skip` too.
///
/// `POST /css` with a style sheet as body and optionally `x-vitrine-coding: identity|gzip|br` gives 200 with a
/// smaller sheet, or 204 as above. A `Content-Type` with `charset=utf-8` says that the sheet is UTF-8.
///
/// A request that does not say what it wants is 400; any other is 404.
/// No source, however hostile, gives a 5xx.
///
/// A door that stops reading a body beyond [`crate::limits::SOURCE_BYTES`] passes on one byte more than that.
pub fn respond(request: &Request<Bytes>) -> Response<Bytes> {
    if request.uri().path() == SHEET_PATH && request.method() == Method::POST {
        return sheet(request);
    }
    match job_of(request) {
        Ok(job) => match encode(request.body(), &job) {
            Ok(encoded) => smaller(encoded),
            Err(reason) => kept(request.body(), reason),
        },
        Err(problem) => problem.response(),
    }
}

fn job_of<B>(request: &Request<B>) -> Result<Job, Problem> {
    if request.uri().path() != PATH || request.method() != Method::POST {
        return Err(Problem {
            status: StatusCode::NOT_FOUND,
            detail: "only POST /encode and POST /css are answered here",
        });
    }
    let target = text(request.headers(), "x-vitrine-to")
        .and_then(Target::from_name)
        .ok_or(Problem::bad("x-vitrine-to must be avif, webp or same"))?;
    let quality = match request.headers().get("x-vitrine-quality") {
        None => Quality::default(),
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|digits| digits.parse().ok())
            .and_then(Quality::new)
            .ok_or(Problem::bad(
                "x-vitrine-quality must be a whole number from 1 to 100",
            ))?,
    };
    let effort = match request.headers().get("x-vitrine-effort") {
        None => Effort::Refined,
        Some(value) => value
            .to_str()
            .ok()
            .and_then(Effort::from_name)
            .ok_or(Problem::bad("x-vitrine-effort must be first or refined"))?,
    };
    let width = match request.headers().get("x-vitrine-width") {
        None => None,
        Some(value) => Some(
            value
                .to_str()
                .ok()
                .and_then(|digits| digits.parse().ok())
                .filter(|width| (1..=limits::SIDE).contains(width))
                .ok_or(Problem::bad("x-vitrine-width must be a width in pixels"))?,
        ),
    };
    let crop =
        match request.headers().get("x-vitrine-crop") {
            None => None,
            Some(value) => Some(value.to_str().ok().and_then(Crop::from_name).ok_or(
                Problem::bad(
                    "x-vitrine-crop must be a shape and a point in percent, such as 4x5@50-30",
                ),
            )?),
        };
    Ok(Job {
        target,
        quality,
        effort,
        width,
        crop,
    })
}

fn sheet(request: &Request<Bytes>) -> Response<Bytes> {
    let headers = request.headers();
    let coding = text(headers, "x-vitrine-coding").unwrap_or("identity");
    let Some(coding) = Coding::from_token(coding) else {
        return Problem::bad("x-vitrine-coding must be identity, gzip or br").response();
    };
    let kind = text(headers, "content-type").unwrap_or_default();
    let is_utf8 = kind
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.trim().split_once('='))
        .any(|(name, value)| {
            let value = value.trim_matches('"');
            name.eq_ignore_ascii_case("charset") && value.eq_ignore_ascii_case("utf-8")
        });
    match minify(request.body(), is_utf8, coding) {
        Ok(bytes) => smaller_sheet(bytes, coding),
        Err(reason) => unchanged(reason),
    }
}

fn smaller_sheet(bytes: Vec<u8>, coding: Coding) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(bytes));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/css; charset=utf-8"),
    );
    if let Some(coding) = coding.token() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn smaller(encoded: crate::Encoded) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(encoded.bytes));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(encoded.content_type),
    );
    if let Ok(recipe) = HeaderValue::from_str(&encoded.recipe) {
        headers.insert("x-vitrine-recipe", recipe);
    }
    response
}

/// The original, without what is no part of its picture.
fn kept(source: &[u8], reason: Skip) -> Response<Bytes> {
    match reason.may_be_stripped().then(|| strip(source)).flatten() {
        Some(stripped) => with_reason(smaller(stripped), reason),
        None => unchanged(reason),
    }
}

fn with_reason(mut response: Response<Bytes>, reason: Skip) -> Response<Bytes> {
    let token = HeaderValue::from_static(reason.token());
    response.headers_mut().insert("x-vitrine-skip", token);
    response
}

fn unchanged(reason: Skip) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    with_reason(response, reason)
}

/// An RFC 9457 problem: the caller's mistake, never the picture's.
#[derive(Debug, Clone, Copy)]
struct Problem {
    status: StatusCode,
    detail: &'static str,
}

impl Problem {
    fn bad(detail: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            detail,
        }
    }

    fn response(self) -> Response<Bytes> {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = serde_json::json!({ "title": title, "status": self.status.as_u16(), "detail": self.detail });
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
