//! Answering from a stored response: conditions, ranges, `Age`.

use std::ops::Range;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::answer::{Answer, AnswerBody};
use crate::cache::Entry;
use crate::cache::freshness::http_date;
use crate::headers::tokens;
use crate::platform::Platform;

/// The answer to this request, out of an entry.
pub(crate) fn answer<P: Platform>(
    method: &Method,
    client: &HeaderMap,
    entry: Entry,
    now_ms: u64,
) -> Answer<P> {
    let Entry {
        freshness,
        mut headers,
        body,
    } = entry;
    headers.insert(AGE, HeaderValue::from(freshness.age_s(now_ms)));
    if is_unchanged(client, &headers) {
        return not_modified(headers);
    }
    let coded = headers.contains_key(CONTENT_ENCODING);
    if !coded {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    let whole = body.len();
    let wanted = if coded {
        Wanted::Whole
    } else {
        wanted(client, &headers, whole)
    };
    let (status, body) = match wanted {
        Wanted::Whole => (StatusCode::OK, body),
        Wanted::Part(range) => {
            let part = format!("bytes {}-{}/{whole}", range.start, range.end - 1);
            set(&mut headers, CONTENT_RANGE, &part);
            (StatusCode::PARTIAL_CONTENT, body.slice(range))
        }
        Wanted::Outside => {
            set(&mut headers, CONTENT_RANGE, &format!("bytes */{whole}"));
            headers.remove(CONTENT_TYPE);
            (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new())
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let body = if *method == Method::HEAD {
        AnswerBody::Empty
    } else {
        AnswerBody::Full(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn not_modified<P: Platform>(mut headers: HeaderMap) -> Answer<P> {
    for name in [
        CONTENT_TYPE,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        ACCEPT_RANGES,
    ] {
        headers.remove(name);
    }
    let mut response = Response::new(AnswerBody::Empty);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = headers;
    response
}

fn set(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `If-None-Match`, compared weakly, or else `If-Modified-Since` (RFC 9110, section 13.2.2).
fn is_unchanged(client: &HeaderMap, stored: &HeaderMap) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if client.contains_key(IF_NONE_MATCH) {
        let Some(etag) = stored.get(ETAG).and_then(|v| v.to_str().ok()).map(opaque) else {
            return false;
        };
        return tokens(client, &IF_NONE_MATCH).any(|tag| tag == "*" || opaque(tag) == etag);
    }
    let date = |headers: &HeaderMap, name| http_date(headers.get(name)?.to_str().ok()?);
    match (date(client, IF_MODIFIED_SINCE), date(stored, LAST_MODIFIED)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// What part of a body is asked for.
enum Wanted {
    Whole,
    Part(Range<usize>),
    /// Nothing that the body has.
    Outside,
}

/// Reads `Range`. Several ranges at once are answered with the whole, as they may be.
fn wanted(client: &HeaderMap, stored: &HeaderMap, whole: usize) -> Wanted {
    one_range(client, stored, whole).unwrap_or(Wanted::Whole)
}

fn one_range(client: &HeaderMap, stored: &HeaderMap, whole: usize) -> Option<Wanted> {
    let range = client
        .get(RANGE)?
        .to_str()
        .ok()?
        .trim()
        .strip_prefix("bytes=")?;
    if let Some(condition) = client.get(IF_RANGE) {
        let same = |name| stored.get(name) == Some(condition);
        let is_weak = condition.as_bytes().starts_with(b"W/");
        if is_weak || !(same(ETAG) || same(LAST_MODIFIED)) {
            return None;
        }
    }
    let (first, last) = range
        .split_once('-')
        .filter(|(_, last)| !last.contains(','))?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let suffix: usize = last.parse().ok()?;
        let start = whole.saturating_sub(suffix);
        let part = suffix > 0 && whole > 0;
        return Some(if part {
            Wanted::Part(start..whole)
        } else {
            Wanted::Outside
        });
    }
    let first: usize = first.parse().ok()?;
    let end = match last {
        "" => whole,
        last => last.parse::<usize>().ok()?.saturating_add(1).min(whole),
    };
    if last.parse::<usize>().is_ok_and(|last| last < first) {
        return None;
    }
    Some(if first < whole {
        Wanted::Part(first..end)
    } else {
        Wanted::Outside
    })
}
