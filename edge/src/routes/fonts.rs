//! A font of Google's at the shop's own address: the style sheet, with its files at this address too, and the
//! files byte for byte. Whatever goes wrong sends the browser on to Google, and the page has its fonts.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};

use super::{asset, stored};
use crate::answer::Answer;
use crate::cache::freshness::Question;
use crate::cache::key::{self, digest};
use crate::cache::{Age, Entry, Shareable};
use crate::context::Context;
use crate::encoding::{Accepted, Coding, Encoder};
use crate::platform::{Body as _, Payload, Platform, Service};
use crate::{headers, problem};

/// Under this path Google's fonts are ours.
pub(crate) const PREFIX: &str = "/_v/fonts";
/// Where the style sheets are.
pub(crate) const SHEETS: &str = "https://fonts.googleapis.com";
/// Where the files are that they name.
const FILES: &str = "https://fonts.gstatic.com";
/// Longest body that is taken, in bytes: ten times the largest file of a Chinese family.
const MAX_BYTES: usize = 4 << 20;
/// How long a refresh that was announced is waited for, in milliseconds.
const REFRESH_MS: u64 = 30_000;
/// A sheet is Google's to change; a file has its version in its address.
const SHEET_LIFETIME: &str =
    "public, max-age=86400, stale-while-revalidate=604800, stale-if-error=2592000";
const FILE_LIFETIME: &str = "public, max-age=31536000, immutable";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Font {
    Sheet,
    File,
}

impl Font {
    fn of(uri: &Uri) -> Option<Self> {
        match uri.path().strip_prefix(PREFIX)? {
            "/css" | "/css2" if uri.query().is_some() => Some(Self::Sheet),
            path if is_file(path) && uri.query().is_none() => Some(Self::File),
            _ => None,
        }
    }
}

/// `/s/…/….woff2`. The adapter is stricter; this keeps a redirect to Google from being one to anything.
fn is_file(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_".contains(&b);
    path.strip_suffix(".woff2").is_some_and(|stem| {
        stem.starts_with("/s/") && stem.bytes().all(plain) && !stem.contains("//")
    })
}

/// Answers a request under [`PREFIX`].
pub(crate) async fn respond<P: Platform>(context: &mut Context<P>) -> Answer<P> {
    let is_read = matches!(context.method, Method::GET | Method::HEAD);
    let Some(font) = Font::of(&context.uri).filter(|_| is_read) else {
        return problem::json(StatusCode::NOT_FOUND, "no font lives at this path");
    };
    if context.off.is_some() || !context.app.policy.may_run("google_fonts") {
        return at_google(context, font, "switched-off");
    }
    let known = context.platform.cache_get(&key(context, font)).await;
    let Some(entry) = known.and_then(Entry::decode) else {
        return fetch(context, font, None).await;
    };
    match entry.freshness.at(context.platform.now_ms()) {
        Age::Fresh => answer(context, entry, "hit"),
        Age::Stale => {
            refresh_later(context, font, entry.clone());
            answer(context, entry, "stale")
        }
        Age::Dead => fetch(context, font, Some(entry)).await,
    }
}

/// Sheets are kept in the client's coding; files are compressed in themselves.
fn key<P: Platform>(context: &Context<P>, font: Font) -> String {
    let coding = coding(context, font).token().as_bytes();
    key::font(&digest([context.path_and_query().as_bytes(), coding]))
}

fn coding<P: Platform>(context: &Context<P>, font: Font) -> Coding {
    match font {
        Font::Sheet if context.app.policy.compression.enabled => {
            Accepted::of_request(&context.client).best()
        }
        _ => Coding::Identity,
    }
}

fn answer<P: Platform>(context: &mut Context<P>, entry: Entry, state: &'static str) -> Answer<P> {
    context.note_cache(state, None);
    let now_ms = context.platform.now_ms();
    stored::answer(&context.method, &context.client, entry, now_ms)
}

/// Fetches from Google, through the adapter. An entry that is too old stands in where that fails.
async fn fetch<P: Platform>(
    context: &mut Context<P>,
    font: Font,
    known: Option<Entry>,
) -> Answer<P> {
    match (obtain(context, font).await, known) {
        (Ok(entry), _) => {
            asset::store_later(context, key(context, font), entry.clone());
            answer(context, entry, "miss")
        }
        (Err(Failure::Refused), _) => {
            problem::json(StatusCode::NOT_FOUND, "no font lives at this path")
        }
        (Err(Failure::Because(_)), Some(entry))
            if entry.freshness.covers_errors(context.platform.now_ms()) =>
        {
            answer(context, entry, "stale")
        }
        (Err(Failure::Because(reason)), _) => at_google(context, font, reason),
    }
}

/// Why there is nothing to serve.
enum Failure {
    /// It is no font.
    Refused,
    Because(&'static str),
}

/// Asks for a font and checks that it is one.
async fn obtain<P: Platform>(context: &mut Context<P>, font: Font) -> Result<Entry, Failure> {
    let mut request = Request::new(Payload::Empty);
    *request.uri_mut() = context.path_and_query().parse().unwrap_or_default();
    let asked = context.platform.now_ms();
    let pending = context.platform.start(Service::Origin, request);
    let answered = context.platform.head(pending).await;
    context.entry.origin_ms = Some(context.platform.now_ms().saturating_sub(asked));
    let (parts, mut body) = answered
        .map_err(|_| Failure::Because("google-unreachable"))?
        .into_parts();
    match parts.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(Failure::Refused),
        _ => return Err(Failure::Because("google-failed")),
    }
    let mut bytes = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(piece)) if bytes.len() + piece.len() > MAX_BYTES => {
                return Err(Failure::Because("too-large"));
            }
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => break,
            Err(_) => return Err(Failure::Because("broke-off")),
        }
    }
    let expected = headers::content_length(&parts.headers);
    let whole = expected.is_none_or(|expected| expected == bytes.len() as u64);
    if !whole || Coding::of_response(&parts.headers) != Some(Coding::Identity) {
        return Err(Failure::Because("not-whole"));
    }
    let kind = headers::media_type(&parts.headers);
    let entry = match font {
        Font::Sheet => sheet(context, &kind, &bytes),
        Font::File => file(context, bytes),
    };
    entry.ok_or(Failure::Because("not-understood"))
}

/// A style sheet whose every address is a font file of Google's, at ours.
fn sheet<P: Platform>(context: &Context<P>, kind: &str, bytes: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = (kind == "text/css").then(|| localised(text))??;
    let coding = coding(context, Font::Sheet);
    let body = match Encoder::new(coding, context.app.policy.compression.brotli_quality) {
        Some(mut encoder) => {
            let mut coded = encoder.write(text.as_bytes());
            coded.extend(encoder.finish());
            coded
        }
        None => text.into_bytes(),
    };
    let mut head = HeaderMap::new();
    head.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/css; charset=utf-8"),
    );
    head.insert(CACHE_CONTROL, HeaderValue::from_static(SHEET_LIFETIME));
    if coding != Coding::Identity {
        headers::set_content_encoding(&mut head, Some(coding.token()));
    }
    headers::add_vary(&mut head, "Accept-Encoding");
    entry(context, head, body)
}

fn file<P: Platform>(context: &Context<P>, bytes: Vec<u8>) -> Option<Entry> {
    bytes.starts_with(b"wOF2").then_some(())?;
    let mut head = HeaderMap::new();
    head.insert(CONTENT_TYPE, HeaderValue::from_static("font/woff2"));
    head.insert(CACHE_CONTROL, HeaderValue::from_static(FILE_LIFETIME));
    head.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    entry(context, head, bytes)
}

fn entry<P: Platform>(context: &Context<P>, mut head: HeaderMap, body: Vec<u8>) -> Option<Entry> {
    let etag = format!("\"{}\"", &digest([body.as_slice()])[..20]);
    head.insert(ETAG, HeaderValue::from_str(&etag).ok()?);
    head.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Nothing of this visitor was in the request, so nothing of this visitor is asked about.
    let question = Question {
        method: &Method::GET,
        request: &HeaderMap::new(),
        keyed: &["accept-encoding"],
        now_ms: context.platform.now_ms(),
        stale_default_s: 0,
        session_cookies: &[],
    };
    let proof = Shareable::judge(&question, StatusCode::OK, &head).ok()?;
    Some(Entry::new(&proof, &head, Bytes::from(body)))
}

/// A sheet with every `url(…)` at our address; `None` when one is anything but a WOFF2 file of Google's, or
/// when an address could be written in another way.
fn localised(sheet: &str) -> Option<String> {
    let lower = sheet.to_ascii_lowercase();
    if ["\\", "@import", "image-set", "<"]
        .iter()
        .any(|odd| lower.contains(odd))
    {
        return None;
    }
    let mut text = String::with_capacity(sheet.len());
    let mut done = 0;
    for (at, opening) in lower.match_indices("url(") {
        let begin = at + opening.len();
        let end = begin + sheet.get(begin..)?.find(')')?;
        let address = sheet[begin..end].trim().trim_matches(['"', '\'']);
        let path = address.strip_prefix(FILES).filter(|path| is_file(path))?;
        text.push_str(&sheet[done..begin]);
        text.push_str(PREFIX);
        text.push_str(path);
        done = end;
    }
    (done > 0).then(|| text + &sheet[done..])
}

/// Sends the browser to the original.
fn at_google<P: Platform>(context: &mut Context<P>, font: Font, reason: &'static str) -> Answer<P> {
    let host = match font {
        Font::Sheet => SHEETS,
        Font::File => FILES,
    };
    let rest = context.path_and_query().strip_prefix(PREFIX);
    let location = format!("{host}{}", rest.unwrap_or("/"));
    context.note_cache("bypass", Some(reason));
    let mut answer = problem::answer(StatusCode::FOUND, "text/plain", Vec::new());
    if let Ok(location) = HeaderValue::from_str(&location) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

fn refresh_later<P: Platform>(context: &Context<P>, font: Font, known: Entry) {
    let mut later = context.detached();
    context.platform.spawn(async move {
        if asset::announce(&later, &key(&later, font), REFRESH_MS).await {
            let answer = fetch(&mut later, font, Some(known)).await;
            let _ = later.close(answer).into_body().drain().await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h57_every_address_of_a_sheet_becomes_ours_and_nothing_else_changes() {
        let sheet = "/* latin */\n@font-face {\n  font-family: 'Inter';\n  font-display: optional;\n  \
            src: url(https://fonts.gstatic.com/s/inter/v18/a-B_1.woff2) format('woff2');\n  \
            unicode-range: U+0000-00FF, U+0131;\n}\n";
        let ours = localised(sheet).unwrap();
        assert_eq!(
            ours,
            sheet.replace("https://fonts.gstatic.com/", "/_v/fonts/")
        );
    }

    #[test]
    fn h57_a_sheet_with_any_other_address_is_left_to_google() {
        for sheet in [
            "@font-face{font-family:A}",
            "@font-face{src:url(https://fonts.gstatic.com/s/a/v1/a.ttf)}",
            "@font-face{src:url(https://fonts.gstatic.com/l/font?kit=a)}",
            "@font-face{src:url(https://fonts.gstatic.com.evil.example/s/a/v1/a.woff2)}",
            "@font-face{src:url(https://fonts.gstatic.com/s/a/v1/a.woff2),url(//evil.example/a.woff2)}",
            "@font-face{src:url(https://fonts.gstatic.com/s/a/v1/a.woff2),u\\72l(//evil.example/a.woff2)}",
            "@import 'a.css';@font-face{src:url(https://fonts.gstatic.com/s/a/v1/a.woff2)}",
            "@font-face{src:url(https://fonts.gstatic.com/s/a/v1/a.woff2",
        ] {
            assert_eq!(localised(sheet), None, "{sheet}");
        }
    }
}
