//! An image: the origin's own at once, and a smaller one at the same URL from then on.
//!
//! What is known about an image (headers, freshness, digest of its bytes) is stored under its address; the
//! bytes and their variants under their digest. A variant therefore never outlives its original, and an
//! image that is fetched anew and has not changed keeps its variants.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_RANGE,
    RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use super::{asset, stored};
use crate::answer::{Answer, AnswerBody, Collect};
use crate::cache::key::{self, digest};
use crate::cache::{Age, Entry};
use crate::context::Context;
use crate::encoding::{Accepted, Coding, weighted};
use crate::headers;
use crate::platform::{Body as _, Payload, Platform, Service};
use crate::problem;

/// How long an encode that was announced is waited for before another tries, in milliseconds.
const ENCODING_MS: u64 = 120_000;
/// How long a failure of the optimizer itself is remembered, in milliseconds. What it said about the image
/// is remembered as long as the image.
const FAILURE_MS: u64 = 600_000;
/// Digest of the original's bytes, in the stored headers only.
const DIGEST: HeaderName = HeaderName::from_static("x-vitrine-digest");
/// Mark of a note in a variant's place that says why there is none.
const NO_VARIANT: &[u8] = b"VTN1";
/// Image types that are no work for the optimizer, by their usual ending.
const OTHER_TYPES: [&str; 6] = [".svg", ".ico", ".gif", ".webp", ".avif", ".bmp"];

/// Which variant a client gets. Two values, never the raw header, so that the store is not split (H68).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// The client states that it reads AVIF.
    Avif,
    /// Any other: the original's own format.
    Same,
}

impl Class {
    fn of(client: &HeaderMap) -> Self {
        let takes_avif = headers::tokens(client, &ACCEPT)
            .map(weighted)
            .any(|(kind, weight)| kind.eq_ignore_ascii_case("image/avif") && weight > 0);
        if takes_avif { Self::Avif } else { Self::Same }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Avif => "avif",
            Self::Same => "same",
        }
    }
}

/// What stands in a variant's place.
enum Variant {
    Ready(Entry),
    /// There is none, and why.
    None(String),
    Unknown,
}

/// Answers a request that looks like one for an image.
pub(crate) async fn respond<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
) -> Answer<P> {
    let path = context.uri.path().to_ascii_lowercase();
    let other = OTHER_TYPES.iter().any(|ending| path.ends_with(ending));
    if other || !context.app.policy.images.enabled || asset::bypass(context).is_some() {
        return asset::respond(context, payload).await;
    }
    let known = lookup(context).await;
    let Some(known) = known else {
        // An image of another type without a telling ending is kept as an asset.
        let plain = asset::lookup(context).await;
        return match plain {
            Some(entry) => asset::from_cache(context, payload, Some(entry)).await,
            None => fetch(context, payload, None).await,
        };
    };
    match asset::standing(context, &known) {
        Age::Fresh => serve(context, payload, known, "hit").await,
        Age::Stale => {
            refresh_later(context, known.clone());
            serve(context, payload, known, "stale").await
        }
        Age::Dead => fetch(context, payload, Some(known)).await,
    }
}

async fn lookup<P: Platform>(context: &Context<P>) -> Option<Entry> {
    Entry::decode(
        context
            .platform
            .cache_get(&asset::address(context).image())
            .await?,
    )
}

/// Answers from the store: the variant, or the original while there is none.
async fn serve<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
    known: Entry,
    state: &'static str,
) -> Answer<P> {
    let class = Class::of(&context.client);
    let fingerprint = fingerprint(&known);
    let variant = variant(context, &fingerprint, class).await;
    context.summary.push(format!("class={}", class.name()));
    match variant {
        Variant::Ready(variant) if !wants_part_of_another(&context.client, &variant) => {
            context.note_cache(state, None);
            answer(context, as_variant(known, variant))
        }
        variant => {
            let Some(body) = context
                .platform
                .cache_get(&key::original(&fingerprint))
                .await
            else {
                return fetch(context, payload, Some(known)).await;
            };
            let body = Bytes::from(body);
            match variant {
                Variant::Ready(_) => context.note_cache(state, Some("range-of-original")),
                Variant::None(reason) => {
                    context.note_cache(state, Some(&format!("original: {reason}")));
                }
                Variant::Unknown => {
                    context.note_cache(state, Some("original: not-ready"));
                    encode_later(context, known.clone(), body.clone());
                }
            }
            answer(context, Entry { body, ..known })
        }
    }
}

/// A part is answered from one representation: the one that `If-Range` names, or else the original (H74).
fn wants_part_of_another(client: &HeaderMap, variant: &Entry) -> bool {
    client.contains_key(RANGE) && client.get(IF_RANGE) != variant.headers.get(ETAG)
}

fn as_variant(known: Entry, variant: Entry) -> Entry {
    let Entry {
        freshness,
        mut headers,
        ..
    } = known;
    for name in [CONTENT_TYPE, ETAG] {
        if let Some(value) = variant.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers::drop_digests(&mut headers);
    Entry {
        freshness,
        headers,
        body: variant.body,
    }
}

fn answer<P: Platform>(context: &Context<P>, mut entry: Entry) -> Answer<P> {
    entry.headers.remove(DIGEST);
    stored::answer(
        &context.method,
        &context.client,
        entry,
        context.platform.now_ms(),
    )
}

fn fingerprint(known: &Entry) -> String {
    let digest = known
        .headers
        .get(DIGEST)
        .and_then(|value| value.to_str().ok());
    digest.unwrap_or_default().to_owned()
}

async fn variant<P: Platform>(context: &Context<P>, fingerprint: &str, class: Class) -> Variant {
    let Some(written) = context
        .platform
        .cache_get(&variant_key(context, fingerprint, class))
        .await
    else {
        return Variant::Unknown;
    };
    if let Some(note) = written.strip_prefix(NO_VARIANT) {
        let note = String::from_utf8_lossy(note);
        let (at, reason) = note.split_once(' ').unwrap_or(("0", ""));
        let age = context
            .platform
            .now_ms()
            .saturating_sub(at.parse().unwrap_or(0));
        if reason.starts_with("error") && age >= FAILURE_MS {
            return Variant::Unknown;
        }
        return Variant::None(reason.to_owned());
    }
    Entry::decode(written).map_or(Variant::Unknown, Variant::Ready)
}

fn quality<P: Platform>(context: &Context<P>, class: Class) -> u8 {
    let images = &context.app.policy.images;
    match class {
        Class::Avif => images.avif_quality,
        Class::Same => images.jpeg_quality,
    }
}

fn variant_key<P: Platform>(context: &Context<P>, fingerprint: &str, class: Class) -> String {
    key::variant(fingerprint, class.name(), quality(context, class))
}

/// Fetches from the origin. The visitor gets its bytes as they come (H73).
async fn fetch<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
    known: Option<Entry>,
) -> Answer<P> {
    let mut headers = context.headers_for_origin("image");
    let coding = Accepted::of_request(&context.client).best();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding.token()));
    let held = match known {
        Some(entry) => match context
            .platform
            .cache_get(&key::original(&fingerprint(&entry)))
            .await
        {
            Some(body) => {
                asset::ask_whether_changed(&mut headers, &entry);
                Some((entry, Bytes::from(body)))
            }
            None => None,
        },
        None => None,
    };
    match (context.fetch(headers, payload).await, held) {
        (Ok((response, report)), Some((entry, body)))
            if report.is_down() || response.status().is_server_error() =>
        {
            let mut entry = Entry { body, ..entry };
            entry.headers.remove(DIGEST);
            asset::instead_of(context, entry, Ok(response))
        }
        (Err(error), Some((mut entry, body))) => {
            entry.headers.remove(DIGEST);
            asset::instead_of(context, Entry { body, ..entry }, Err(error))
        }
        (Err(error), None) => problem::unreachable(&context.client, &error),
        (Ok((response, _)), Some((entry, body)))
            if response.status() == StatusCode::NOT_MODIFIED =>
        {
            let entry = asset::confirmed(context, entry, response.headers());
            asset::store_later(context, asset::address(context).image(), entry.clone());
            context.note_cache("hit", Some("revalidated"));
            answer(context, Entry { body, ..entry })
        }
        (Ok((response, _)), _) => deliver(context, response),
    }
}

/// Sends an original on its way, and keeps it for the optimizer where that is allowed.
fn deliver<P: Platform>(context: &mut Context<P>, response: Response<P::Body>) -> Answer<P> {
    let (mut parts, body) = response.into_parts();
    if let Some(reason) = why_not_negotiated(context, &parts) {
        if !reason.is_empty() {
            context.summary.push(format!("original: {reason}"));
        }
        return asset::deliver(context, Response::from_parts(parts, body));
    }
    let Ok(proof) = asset::judge(context, parts.status, &parts.headers) else {
        return asset::deliver(context, Response::from_parts(parts, body));
    };
    headers::add_vary(&mut parts.headers, "Accept");
    let class = Class::of(&context.client);
    context.summary.push(format!("class={}", class.name()));
    context.note_cache("miss", None);
    if context.method == Method::HEAD {
        return Response::from_parts(parts, AnswerBody::Empty);
    }
    let mut pipe = context.pipe(Vec::new(), body);
    let (later, headers) = (context.detached(), parts.headers.clone());
    pipe.collect = Some(Collect::new(
        context.app.policy.cache.max_body_bytes,
        headers::content_length(&parts.headers),
        move |body| {
            let fingerprint = digest([body.as_ref()]);
            let mut known = Entry::new(&proof, &headers, Bytes::new());
            if let Ok(value) = HeaderValue::from_str(&fingerprint) {
                known.headers.insert(DIGEST, value);
            }
            let platform = later.platform.clone();
            platform.spawn(async move {
                let address = asset::address(&later).image();
                later
                    .platform
                    .cache_put(&key::original(&fingerprint), body.to_vec())
                    .await;
                later.platform.cache_put(&address, known.encode()).await;
                encode(&later, class, &known, body).await;
            });
        },
    ));
    Response::from_parts(parts, AnswerBody::Piped(pipe))
}

/// Why an image is answered in one form only (H71, H74). Empty where it is no candidate in the first place.
fn why_not_negotiated<P: Platform>(
    context: &Context<P>,
    parts: &http::response::Parts,
) -> Option<&'static str> {
    let headers = &parts.headers;
    let kind = headers::media_type(headers);
    if parts.status != StatusCode::OK || !matches!(kind.as_str(), "image/jpeg" | "image/png") {
        return Some("");
    }
    if headers::is_no_transform(headers) {
        return Some("no-transform");
    }
    if Coding::of_response(headers) != Some(Coding::Identity) {
        return Some("encoded");
    }
    if headers.contains_key("cf-polished") {
        return Some("already-optimised");
    }
    if headers.contains_key(CONTENT_DISPOSITION) {
        return Some("content-disposition");
    }
    if is_signed(context.uri.query().unwrap_or_default()) {
        return Some("signed-url");
    }
    let minimum = u64::from(context.app.policy.images.min_bytes);
    headers::content_length(headers)
        .is_some_and(|bytes| bytes < minimum)
        .then_some("small")
}

/// Whether a URL is good for a while, or for one person, only.
fn is_signed(query: &str) -> bool {
    const NAMES: [&str; 9] = [
        "signature",
        "x-amz-signature",
        "x-goog-signature",
        "sig",
        "token",
        "expires",
        "hmac",
        "policy",
        "key-pair-id",
    ];
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        NAMES.iter().any(|signed| name.eq_ignore_ascii_case(signed))
    })
}

fn refresh_later<P: Platform>(context: &Context<P>, known: Entry) {
    let mut later = context.detached();
    context.platform.spawn(async move {
        let address = asset::address(&later).image();
        if asset::announce(&later, &address, ENCODING_MS / 4).await {
            let answer = fetch(&mut later, Payload::Empty, Some(known)).await;
            let _ = later.close(answer).into_body().drain().await;
        }
    });
}

fn encode_later<P: Platform>(context: &Context<P>, known: Entry, original: Bytes) {
    let class = Class::of(&context.client);
    let later = context.detached();
    context
        .platform
        .spawn(async move { encode(&later, class, &known, original).await });
}

/// Asks the optimizer for a variant and stores it, or why there is none. One at a time for each variant.
async fn encode<P: Platform>(context: &Context<P>, class: Class, known: &Entry, original: Bytes) {
    let fingerprint = fingerprint(known);
    let key = variant_key(context, &fingerprint, class);
    // An image that was fetched anew and has not changed has its variant already.
    if !matches!(
        variant(context, &fingerprint, class).await,
        Variant::Unknown
    ) {
        return;
    }
    if !asset::announce(context, &key, ENCODING_MS).await {
        return;
    }
    let value = match optimize(context, class, known, &original).await {
        Ok(variant) => variant.encode(),
        Err(reason) => {
            let mut note = NO_VARIANT.to_vec();
            note.extend(format!("{} {reason}", context.platform.now_ms()).into_bytes());
            note
        }
    };
    context.platform.cache_put(&key, value).await;
}

async fn optimize<P: Platform>(
    context: &Context<P>,
    class: Class,
    known: &Entry,
    original: &Bytes,
) -> Result<Entry, String> {
    if (original.len() as u64) < u64::from(context.app.policy.images.min_bytes) {
        return Err("small".into());
    }
    let kind = known
        .headers
        .get(CONTENT_TYPE)
        .cloned()
        .ok_or("error: no type")?;
    let mut request = Request::new(Payload::Full(original.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = http::Uri::from_static("/encode");
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(original.len()));
    headers.insert("x-vitrine-to", HeaderValue::from_static(class.name()));
    headers.insert(
        "x-vitrine-quality",
        HeaderValue::from(u16::from(quality(context, class))),
    );
    let pending = context.platform.start(Service::Optimizer, request);
    let (parts, mut body) = context
        .platform
        .head(pending)
        .await
        .map_err(|error| format!("error: {error}"))?
        .into_parts();
    if parts.status != StatusCode::OK {
        let skip = parts
            .headers
            .get("x-vitrine-skip")
            .and_then(|v| v.to_str().ok());
        return Err(skip.map_or_else(
            || format!("error: status {}", parts.status.as_u16()),
            str::to_owned,
        ));
    }
    let mut bytes = Vec::new();
    while let Some(piece) = body
        .chunk()
        .await
        .map_err(|error| format!("error: {error}"))?
    {
        bytes.extend_from_slice(&piece);
        if bytes.len() >= original.len() {
            return Err("not-smaller".into());
        }
    }
    variant_entry(known, &parts.headers, bytes)
}

fn variant_entry(known: &Entry, from: &HeaderMap, bytes: Vec<u8>) -> Result<Entry, String> {
    let expected = headers::content_length(from);
    if bytes.is_empty() || expected.is_some_and(|expected| expected != bytes.len() as u64) {
        return Err("error: incomplete".into());
    }
    let mut headers = HeaderMap::new();
    let kind = from.get(CONTENT_TYPE).cloned().ok_or("error: no type")?;
    headers.insert(CONTENT_TYPE, kind);
    let mut etag = String::new();
    let _ = write!(etag, "\"{}\"", &digest([bytes.as_slice()])[..20]);
    headers.insert(
        ETAG,
        HeaderValue::from_str(&etag).map_err(|_| "error: etag")?,
    );
    Ok(Entry {
        freshness: known.freshness,
        headers,
        body: Bytes::from(bytes),
    })
}
