//! Variants of an image: which one a client gets, where it is kept, and how it is made.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};

use super::super::asset;
use super::fingerprint;
use super::stripped::{self, keep_or_share};
use crate::cache::Entry;
use crate::cache::key::{self, digest};
use crate::context::Context;
use crate::encoding::weighted;
use crate::platform::{Body, FetchError, Payload, Platform, Service};
use crate::{headers, ledger};

/// How long an encode that was announced is waited for before another tries, in milliseconds.
pub(in crate::routes) const ENCODING_MS: u64 = 120_000;
/// How long a failure of the optimizer itself is remembered, in milliseconds. What it said about the image
/// is remembered as long as the image.
const FAILURE_MS: u64 = 600_000;
/// What is remembered of an optimizer that could not take an image on.
const BUSY: &str = "busy";
/// How long such an optimizer is left alone with that image, in milliseconds: its queue moves by seconds.
const BUSY_MS: u64 = 5_000;
/// Mark of a note in a variant's place that says why there is none.
const NO_VARIANT: &[u8] = b"VTN1";
/// How long a visitor waits for a first variant, in milliseconds, its queue and its way included.
const FIRST_MS: u32 = 250;
/// Stands for everything that the optimizer can make: the first digits of the SHA-256 of its list of results. Whenever an
/// engine, its version or a setting changes, so does the list, a test says so here, and what was made before is a miss.
pub(super) const RECIPES: &str = "fb87e2abd157";

/// Which variant a client gets. Three values, never the raw header, so that the store is not split (H68).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The client states that it reads AVIF.
    Avif,
    /// It states that it reads WebP, and not AVIF.
    WebP,
    /// Any other: the original's own format.
    Same,
}

impl Class {
    pub(super) fn of(client: &HeaderMap) -> Self {
        let takes = |format: &str| {
            headers::tokens(client, &ACCEPT)
                .map(weighted)
                .any(|(kind, weight)| kind.eq_ignore_ascii_case(format) && weight > 0)
        };
        if takes("image/avif") {
            Self::Avif
        } else if takes("image/webp") {
            Self::WebP
        } else {
            Self::Same
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Avif => "avif",
            Self::WebP => "webp",
            Self::Same => "same",
        }
    }
}

/// What stands in a variant's place.
pub(in crate::routes) enum Variant {
    Ready(Entry),
    /// One that was made while a visitor waited. A better one is on its way.
    First(Entry),
    /// There is none, and why.
    None(String),
    Unknown,
}

/// What the store has for a class.
pub(super) async fn variant<P: Platform>(
    context: &Context<P>,
    fingerprint: &str,
    class: Class,
) -> Variant {
    let key = variant_key(context, fingerprint, class);
    match at(context, &key).await {
        Variant::Unknown => match at(context, &first_key(&key)).await {
            Variant::Ready(first) => Variant::First(first),
            _ => Variant::Unknown,
        },
        other => other,
    }
}

/// Where a variant is kept until a better one is there.
fn first_key(key: &str) -> String {
    format!("{key}:first")
}

/// Asks the optimizer for a variant that a visitor waits for, but not beyond the deadline: what comes later is there for
/// the next one.
pub(super) async fn first<P: Platform>(
    context: &Context<P>,
    class: Class,
    known: &Entry,
    original: &Bytes,
) -> Variant {
    let key = first_key(&variant_key(context, &fingerprint(known), class));
    if !context.platform.capabilities().deadlines
        || !asset::announce(context, &key, ENCODING_MS / 4).await
    {
        return Variant::Unknown;
    }
    let request = match order(context, class, known, original, "first") {
        Ok(request) => request,
        Err(reason) => return Variant::None(reason),
    };
    let started = context.platform.now_ms();
    let below = original.len().saturating_sub(1);
    let pending = context.platform.start(Service::Optimizer, request);
    match context.platform.head_within(pending, FIRST_MS).await {
        Ok(head) => {
            let answer = read(head, below, "not-smaller").await;
            let outcome = entry_of(context, class, known, original, answer);
            record(context, started, original, &outcome);
            keep_first(context, &key, known, outcome).await
        }
        Err(pending) => {
            let (later, known, original) = (context.detached(), known.clone(), original.clone());
            context.platform.spawn(async move {
                let head = later.platform.head(pending).await;
                let answer = read(head, below, "not-smaller").await;
                let outcome = entry_of(&later, class, &known, &original, answer);
                record(&later, started, &original, &outcome);
                keep_first(&later, &key, &known, outcome).await;
            });
            Variant::Unknown
        }
    }
}

/// Keeps what came of a first try. Why there is none is for the try to find out that is not in a hurry.
async fn keep_first<P: Platform>(
    context: &Context<P>,
    key: &str,
    known: &Entry,
    outcome: Result<Entry, String>,
) -> Variant {
    let Ok(variant) = outcome.clone() else {
        return Variant::Unknown;
    };
    keep_or_share(context, key, known, outcome).await;
    Variant::First(variant)
}

/// What the store has under a variant's key.
pub(in crate::routes) async fn at<P: Platform>(context: &Context<P>, key: &str) -> Variant {
    let Some(written) = context.platform.cache_get(key).await else {
        return Variant::Unknown;
    };
    if let Some(named) = stripped::named(context, &written).await {
        return named.map_or(Variant::Unknown, Variant::Ready);
    }
    if let Some(note) = written.strip_prefix(NO_VARIANT) {
        let note = String::from_utf8_lossy(note);
        let (at, reason) = note.split_once(' ').unwrap_or(("0", ""));
        let age = context
            .platform
            .now_ms()
            .saturating_sub(at.parse().unwrap_or(0));
        let over = (reason.starts_with("error") && age >= FAILURE_MS)
            || (reason == BUSY && age >= BUSY_MS);
        if over {
            return Variant::Unknown;
        }
        return Variant::None(reason.to_owned());
    }
    Entry::decode(written).map_or(Variant::Unknown, Variant::Ready)
}

fn quality<P: Platform>(context: &Context<P>, class: Class) -> u8 {
    let images = &context.app.policy.images;
    let standard = match class {
        Class::Avif => images.avif_quality,
        Class::WebP | Class::Same => images.jpeg_quality,
    };
    let form = context.form;
    form.quality.points(standard, form.is_dense)
}

/// A crop, as the optimizer reads it.
fn crop<P: Platform>(context: &Context<P>) -> Option<String> {
    let crop = context.form.crop?;
    let (left, top) = crop.focus;
    Some(format!("{}@{left}-{top}", crop.shape))
}

fn variant_key<P: Platform>(context: &Context<P>, fingerprint: &str, class: Class) -> String {
    let mut asked = class.name().to_owned();
    if let Some(width) = context.form.width {
        let _ = write!(asked, "-w{width}");
    }
    if let Some(crop) = crop(context) {
        let _ = write!(asked, "-{crop}");
    }
    let _ = write!(asked, "-{RECIPES}");
    key::variant(fingerprint, &asked, quality(context, class))
}

/// Asks the optimizer for a variant and stores it, or why there is none. One at a time for each variant.
pub(super) async fn encode<P: Platform>(
    context: &Context<P>,
    class: Class,
    known: &Entry,
    original: Bytes,
) {
    let fingerprint = fingerprint(known);
    let key = variant_key(context, &fingerprint, class);
    // An image that was fetched anew and has not changed has its variant already.
    if !matches!(
        variant(context, &fingerprint, class).await,
        Variant::Unknown | Variant::First(_)
    ) {
        return;
    }
    if !asset::announce(context, &key, ENCODING_MS).await {
        return;
    }
    let started = context.platform.now_ms();
    let outcome = optimize(context, class, known, &original).await;
    record(context, started, &original, &outcome);
    keep_or_share(context, &key, known, outcome).await;
}

/// Stores a variant, or why there is none.
pub(in crate::routes) async fn keep<P: Platform>(
    context: &Context<P>,
    key: &str,
    outcome: Result<Entry, String>,
) {
    let value = match outcome {
        Ok(variant) => variant.encode(),
        Err(reason) => {
            let mut note = NO_VARIANT.to_vec();
            note.extend(format!("{} {reason}", context.platform.now_ms()).into_bytes());
            note
        }
    };
    context.platform.cache_put(key, value).await;
}

/// A line of its own in the ledger: the encode came after the response that set it off.
pub(in crate::routes) fn record<P: Platform>(
    context: &Context<P>,
    started_ms: u64,
    original: &Bytes,
    outcome: &Result<Entry, String>,
) {
    let now_ms = context.platform.now_ms();
    let (variant, reason) = match outcome {
        Ok(variant) => (
            Some(variant.body.len() as u64),
            stripped::reason(variant).map(str::to_owned),
        ),
        Err(reason) => (None, Some(reason.clone())),
    };
    let line = ledger::Entry {
        at: started_ms,
        route: "encode",
        status: if variant.is_some() { 200 } else { 204 },
        cache: None,
        reason,
        origin_ms: None,
        bytes_in: Some(original.len() as u64),
        bytes_out: variant,
        ms: now_ms.saturating_sub(started_ms),
        ..context.entry.clone()
    };
    context.platform.record(&line.line());
}

async fn optimize<P: Platform>(
    context: &Context<P>,
    class: Class,
    known: &Entry,
    original: &Bytes,
) -> Result<Entry, String> {
    let mut request = order(context, class, known, original, "refined")?;
    headers::nobody_waits(request.headers_mut());
    let below = original.len().saturating_sub(1);
    let answer = ask(context, request, below, "not-smaller").await;
    entry_of(context, class, known, original, answer)
}

/// A variant is named by the original's bytes, what was asked for, and how it was made: the same three give the same file
/// on every machine.
fn entry_of<P: Platform>(
    context: &Context<P>,
    class: Class,
    known: &Entry,
    original: &Bytes,
    answer: Result<(HeaderMap, Vec<u8>), String>,
) -> Result<Entry, String> {
    let answer = answer?;
    if let Some(original) = stripped::entry(known, original, &answer) {
        return original;
    }
    let (head, bytes) = answer;
    let asked = variant_key(context, &fingerprint(known), class);
    let name = match head.get("x-vitrine-recipe") {
        Some(recipe) => digest([asked.as_bytes(), recipe.as_bytes()]),
        None => digest([bytes.as_slice()]),
    };
    variant_entry(known, &head, bytes, &name)
}

/// What the optimizer is to do.
fn order<P: Platform>(
    context: &Context<P>,
    class: Class,
    known: &Entry,
    original: &Bytes,
    effort: &'static str,
) -> Result<Request<Payload<P::Body>>, String> {
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
    *request.uri_mut() = Uri::from_static("/encode");
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(original.len()));
    headers.insert("x-vitrine-to", HeaderValue::from_static(class.name()));
    headers.insert("x-vitrine-effort", HeaderValue::from_static(effort));
    headers.insert(
        "x-vitrine-quality",
        HeaderValue::from(u16::from(quality(context, class))),
    );
    if let Some(width) = context.form.width {
        headers.insert("x-vitrine-width", HeaderValue::from(width));
    }
    if let Some(crop) = crop(context) {
        let crop = HeaderValue::from_str(&crop).map_err(|_| "error: crop")?;
        headers.insert("x-vitrine-crop", crop);
    }
    Ok(request)
}

/// Sends the optimizer a request, and reads its answer up to a length; `beyond` says why not more. An answer without
/// better bytes is the reason that it gives.
pub(in crate::routes) async fn ask<P: Platform>(
    context: &Context<P>,
    request: Request<Payload<P::Body>>,
    at_most: usize,
    beyond: &'static str,
) -> Result<(HeaderMap, Vec<u8>), String> {
    let pending = context.platform.start(Service::Optimizer, request);
    read(context.platform.head(pending).await, at_most, beyond).await
}

/// Reads an answer of the optimizer up to a length.
async fn read<B: Body>(
    head: Result<Response<B>, FetchError>,
    at_most: usize,
    beyond: &'static str,
) -> Result<(HeaderMap, Vec<u8>), String> {
    let (parts, mut body) = head.map_err(|_| BUSY)?.into_parts();
    if parts.status != StatusCode::OK {
        let skip = parts
            .headers
            .get(stripped::SKIP)
            .and_then(|v| v.to_str().ok());
        let status = parts.status.as_u16();
        return Err(skip.map_or_else(|| format!("error: status {status}"), str::to_owned));
    }
    let mut bytes = Vec::new();
    while let Some(piece) = body
        .chunk()
        .await
        .map_err(|error| format!("error: {error}"))?
    {
        bytes.extend_from_slice(&piece);
        if bytes.len() > at_most {
            return Err(beyond.into());
        }
    }
    Ok((parts.headers, bytes))
}

/// An answer of the optimizer as it is kept, under a name that stands for its bytes.
pub(in crate::routes) fn variant_entry(
    known: &Entry,
    from: &HeaderMap,
    bytes: Vec<u8>,
    name: &str,
) -> Result<Entry, String> {
    let expected = headers::content_length(from);
    if bytes.is_empty() || expected.is_some_and(|expected| expected != bytes.len() as u64) {
        return Err("error: incomplete".into());
    }
    let mut headers = HeaderMap::new();
    let kind = from.get(CONTENT_TYPE).cloned().ok_or("error: no type")?;
    headers.insert(CONTENT_TYPE, kind);
    let etag = HeaderValue::from_str(&format!("\"{name:.20}\""));
    headers.insert(ETAG, etag.map_err(|_| "error: etag")?);
    Ok(Entry {
        freshness: known.freshness,
        headers,
        body: Bytes::from(bytes),
    })
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::RECIPES;

    /// The optimizer's own test holds the list against what its engines make.
    #[test]
    fn a_change_of_any_engine_or_setting_changes_the_key_of_every_variant() {
        let list = include_bytes!("../../../../optimizer/tests/digests.txt");
        let digits = format!("{:x}", Sha256::digest(list));
        let digits = &digits[..12];
        assert_eq!(RECIPES, digits, "write the right one into RECIPES");
    }
}
