//! What became of a beacon, and the answer that follows from it.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};

/// What became of a beacon. In the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Not a `POST`.
    Method,
    /// Not the path of beacons.
    Path,
    /// Collection is switched off.
    Disabled,
    /// More than 8,192 bytes.
    TooLarge,
    /// Neither `text/plain` nor `application/json`.
    ContentType,
    /// Sent by a page of another site.
    Origin,
    /// More beacons than this client, or all together, may send.
    RateLimited,
    /// Not JSON as it is accepted.
    Malformed,
    /// Not the fields of a beacon.
    Schema,
    /// A value outside its limits.
    Range,
    /// A token that no key of ours signed.
    Token,
    /// A token past its time.
    Expired,
    /// The visitor asked not to be measured.
    Privacy,
    /// Sent by a declared bot.
    Bot,
    /// This, or a later report of the same page view, was there before.
    Duplicate,
    /// The store failed.
    Store,
    /// Kept.
    Accepted,
}

impl Outcome {
    /// The name in counters and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Path => "path",
            Self::Disabled => "disabled",
            Self::TooLarge => "too_large",
            Self::ContentType => "content_type",
            Self::Origin => "origin",
            Self::RateLimited => "rate_limited",
            Self::Malformed => "malformed",
            Self::Schema => "schema",
            Self::Range => "range",
            Self::Token => "token",
            Self::Expired => "expired",
            Self::Privacy => "privacy",
            Self::Bot => "bot",
            Self::Duplicate => "duplicate",
            Self::Store => "store",
            Self::Accepted => "accepted",
        }
    }

    /// The status it is answered with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Path => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Malformed | Self::Schema => StatusCode::BAD_REQUEST,
            Self::Range => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Expired => StatusCode::GONE,
            Self::Store => StatusCode::SERVICE_UNAVAILABLE,
            Self::Disabled | Self::Privacy | Self::Bot | Self::Duplicate | Self::Accepted => {
                StatusCode::NO_CONTENT
            }
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Method => "a beacon is sent with POST",
            Self::Path => "there is nothing here",
            Self::TooLarge => "a beacon has at most 8,192 bytes",
            Self::ContentType => "a beacon is text/plain or application/json",
            Self::Origin => "a beacon comes from a page of the same site",
            Self::RateLimited => "too many beacons",
            Self::Malformed => "a beacon is one JSON object, in UTF-8, without repeated keys",
            Self::Schema => "these are not the fields of a beacon",
            Self::Range => "a value is outside its limits",
            Self::Token => "the token is not one of this site's",
            Self::Expired => "the token has expired",
            Self::Store => "the beacon could not be kept",
            Self::Disabled | Self::Privacy | Self::Bot | Self::Duplicate | Self::Accepted => "",
        }
    }

    /// The answer. It never repeats anything of the request.
    pub(crate) fn response(self) -> Response<Bytes> {
        let mut response = if self.status() == StatusCode::NO_CONTENT {
            let mut empty = Response::new(Bytes::new());
            *empty.status_mut() = StatusCode::NO_CONTENT;
            empty
                .headers_mut()
                .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            empty
        } else {
            problem(self.status(), self.title())
        };
        let more = match self {
            Self::Method => Some((ALLOW, "POST")),
            Self::RateLimited => Some((RETRY_AFTER, "1")),
            Self::Store => Some((RETRY_AFTER, "10")),
            // Required with a 401; no browser knows the scheme, so none asks the visitor for anything.
            Self::Token => Some((WWW_AUTHENTICATE, "Page-Token")),
            _ => None,
        };
        if let Some((name, value)) = more {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// An error as RFC 9457 has it.
pub(crate) fn problem(status: StatusCode, title: &str) -> Response<Bytes> {
    let body = serde_json::json!({"title": title, "status": status.as_u16()});
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
