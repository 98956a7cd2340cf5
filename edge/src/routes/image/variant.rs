//! Variants of an image: which one a client gets, where it is kept, and how it is made.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};

use super::super::asset;
use super::fingerprint;
use crate::cache::Entry;
use crate::cache::key::{self, digest};
use crate::context::Context;
use crate::encoding::weighted;
use crate::platform::{Body as _, Payload, Platform, Service};
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
/// Which variant a client gets. Two values, never the raw header, so that the store is not split (H68).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The client states that it reads AVIF.
    Avif,
    /// Any other: the original's own format.
    Same,
}

impl Class {
    pub(super) fn of(client: &HeaderMap) -> Self {
        let takes_avif = headers::tokens(client, &ACCEPT)
            .map(weighted)
            .any(|(kind, weight)| kind.eq_ignore_ascii_case("image/avif") && weight > 0);
        if takes_avif { Self::Avif } else { Self::Same }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Avif => "avif",
            Self::Same => "same",
        }
    }
}

/// What stands in a variant's place.
pub(in crate::routes) enum Variant {
    Ready(Entry),
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
    at(context, &variant_key(context, fingerprint, class)).await
}

/// What the store has under a variant's key.
pub(in crate::routes) async fn at<P: Platform>(context: &Context<P>, key: &str) -> Variant {
    let Some(written) = context.platform.cache_get(key).await else {
        return Variant::Unknown;
    };
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
    match class {
        Class::Avif => images.avif_quality,
        Class::Same => images.jpeg_quality,
    }
}

fn variant_key<P: Platform>(context: &Context<P>, fingerprint: &str, class: Class) -> String {
    let class_at_width = match context.width {
        Some(width) => format!("{}-w{width}", class.name()),
        None => class.name().to_owned(),
    };
    key::variant(fingerprint, &class_at_width, quality(context, class))
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
        Variant::Unknown
    ) {
        return;
    }
    if !asset::announce(context, &key, ENCODING_MS).await {
        return;
    }
    let started = context.platform.now_ms();
    let outcome = optimize(context, class, known, &original).await;
    record(context, started, &original, &outcome);
    keep(context, &key, outcome).await;
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
        Ok(variant) => (Some(variant.body.len() as u64), None),
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
    headers.insert(
        "x-vitrine-quality",
        HeaderValue::from(u16::from(quality(context, class))),
    );
    if let Some(width) = context.width {
        headers.insert("x-vitrine-width", HeaderValue::from(width));
    }
    let below = original.len().saturating_sub(1);
    let (head, bytes) = ask(context, request, below, "not-smaller").await?;
    variant_entry(known, &head, bytes)
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
    let (parts, mut body) = context
        .platform
        .head(pending)
        .await
        .map_err(|_| BUSY)?
        .into_parts();
    if parts.status != StatusCode::OK {
        let skip = parts
            .headers
            .get("x-vitrine-skip")
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

pub(in crate::routes) fn variant_entry(
    known: &Entry,
    from: &HeaderMap,
    bytes: Vec<u8>,
) -> Result<Entry, String> {
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
