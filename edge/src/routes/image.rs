//! An image: a smaller one at the same URL, at once where that is quick enough, and a better one from then on.
//!
//! Where the optimizer can be given a deadline, a new image is read whole and a first variant is made while the visitor
//! waits; past the deadline, the original leaves and is kept by nobody. Elsewhere the original passes as it comes.
//!
//! What is known about an image (headers, freshness, digest of its bytes) is stored under its address; the
//! bytes and their variants under their digest. A variant therefore never outlives its original, and an
//! image that is fetched anew and has not changed keeps its variants.
//!
//! Where the original is the best there is, it is sent without its metadata, which may tell where it was taken.

pub(crate) mod client_hints;
mod stripped;
pub(super) mod variant;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use self::client_hints::Place;
use self::variant::{Class, ENCODING_MS, Variant, encode, first, variant};
use super::{asset, stored};
use crate::answer::{Answer, AnswerBody, Collect};
use crate::app::journey;
use crate::cache::key::{self, digest};
use crate::cache::{Age, Entry, Shareable};
use crate::context::Context;
use crate::encoding::{Accepted, Coding};
use crate::platform::{Body as _, BodyError, FetchError, Payload, Platform, Service};
use crate::route::Route;
use crate::sized::{self, Refusal};
use crate::{headers, problem};

/// Digest of the original's bytes, in the stored headers only.
const DIGEST: HeaderName = HeaderName::from_static("x-vitrine-digest");
/// How long a variant that was made in a hurry is good for, in seconds: a better one is there within the minute, and
/// who has it already is in no need of another.
const FIRST_S: u64 = 3_600;
/// Image types that are no work for the optimizer, by their usual ending.
const OTHER_TYPES: [&str; 4] = [".svg", ".ico", ".avif", ".bmp"];
/// Image types that are, by their names.
const TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];

/// Answers a request for an image in another form: the shop's own image where there is none of that form yet.
pub(crate) async fn at_width<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
) -> Answer<P> {
    let asked = match sized::read(&context.uri, &context.app.secrets.image_keys()) {
        Ok(asked) => asked,
        Err(refusal) => return refused(refusal),
    };
    context.uri = asked.inner;
    if context.route() != Route::Image {
        return refused(Refusal::NoImage);
    }
    context.form = asked.form;
    context.place = if asked.auto {
        Place::Auto
    } else {
        Place::Sized
    };
    client_hints::follow_screen(context);
    if let Some(width) = context.form.width {
        context.summary.push(format!("width={width}"));
    }
    let mut answer = Box::pin(journey(context, Route::Image, payload)).await;
    // The image's own address is the one to be found.
    let headers = answer.headers_mut();
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    answer
}

fn refused<P: Platform>(refusal: Refusal) -> Answer<P> {
    let status = match refusal {
        Refusal::Signature => StatusCode::FORBIDDEN,
        _ => StatusCode::NOT_FOUND,
    };
    problem::json(status, &refusal.to_string())
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
    client_hints::follow_line(context);
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

/// Answers from the store: the variant, or the original while there is none. Where the store has lost the
/// original's bytes, they are fetched again.
async fn serve<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
    known: Entry,
    state: &'static str,
) -> Answer<P> {
    let fingerprint = fingerprint(&known);
    match stored_variant(context, &known, state).await {
        Ok(answer) => answer,
        Err(variant) => match context
            .platform
            .cache_get(&key::original(&fingerprint))
            .await
        {
            Some(body) => instead(context, known, Bytes::from(body), variant, state).await,
            None => fetch(context, payload, Some(known)).await,
        },
    }
}

/// The variant for this client, or what stands in its place.
async fn stored_variant<P: Platform>(
    context: &mut Context<P>,
    known: &Entry,
    state: &'static str,
) -> Result<Answer<P>, Variant> {
    let class = Class::of(&context.client);
    let variant = variant(context, &fingerprint(known), class).await;
    match variant {
        Variant::Ready(variant) | Variant::First(variant)
            if wants_part_of_another(&context.client, &variant) =>
        {
            Err(Variant::Ready(variant))
        }
        Variant::Ready(variant) => Ok(ready(context, known, variant, state)),
        Variant::First(variant) => {
            refine_later(context, known.clone());
            Ok(first_answer(context, known, variant, state))
        }
        other => Err(other),
    }
}

/// What a visitor gets where the store has no variant: one that is made now, or the original, and why.
async fn instead<P: Platform>(
    context: &mut Context<P>,
    known: Entry,
    body: Bytes,
    instead_of: Variant,
    state: &'static str,
) -> Answer<P> {
    let class = Class::of(&context.client);
    let whole = context.method == Method::GET && !context.client.contains_key(RANGE);
    let variant = match instead_of {
        Variant::Unknown if whole => first(context, class, &known, &body).await,
        other => other,
    };
    match variant {
        Variant::First(variant) => {
            encode_later(context, known.clone(), body);
            first_answer(context, &known, variant, state)
        }
        Variant::Ready(variant) if whole => ready(context, &known, variant, state),
        other => the_original(context, known, body, other, state),
    }
}

/// A variant that stays: a better file, or the original without its metadata.
fn ready<P: Platform>(
    context: &mut Context<P>,
    known: &Entry,
    variant: Entry,
    state: &'static str,
) -> Answer<P> {
    let instead = stripped::reason(&variant).map(|reason| format!("original: {reason}"));
    note(context, state, instead.as_deref());
    answer(context, as_variant(known.clone(), variant))
}

/// A variant that was made in a hurry: good for a while. The original without its metadata is for this once: a better
/// file may be there in a second.
fn first_answer<P: Platform>(
    context: &mut Context<P>,
    known: &Entry,
    variant: Entry,
    state: &'static str,
) -> Answer<P> {
    if stripped::reason(&variant).is_some() {
        let mut answer = ready(context, known, variant, state);
        headers::keep_out_of_caches(answer.headers_mut());
        return answer;
    }
    note(context, state, Some("first"));
    let age_s = known.freshness.age_s(context.platform.now_ms());
    let mut answer = answer(context, as_variant(known.clone(), variant));
    headers::keep_for_a_while(answer.headers_mut(), age_s + FIRST_S);
    answer
}

/// The original in a variant's place, and why.
fn the_original<P: Platform>(
    context: &mut Context<P>,
    known: Entry,
    body: Bytes,
    instead_of: Variant,
    state: &'static str,
) -> Answer<P> {
    let for_now = match instead_of {
        Variant::Ready(_) | Variant::First(_) => {
            note(context, state, Some("range-of-original"));
            false
        }
        Variant::None(reason) => {
            note(context, state, Some(&format!("original: {reason}")));
            false
        }
        Variant::Unknown => {
            note(context, state, Some("original: not-ready"));
            encode_later(context, known.clone(), body.clone());
            context.platform.capabilities().deadlines
        }
    };
    let mut answer = answer(context, Entry { body, ..known });
    if for_now {
        headers::keep_out_of_caches(answer.headers_mut());
    }
    answer
}

fn note<P: Platform>(context: &mut Context<P>, state: &'static str, reason: Option<&str>) {
    let class = Class::of(&context.client);
    context.summary.push(format!("class={}", class.name()));
    context.note_cache(state, reason);
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
    vary(context, &mut entry.headers);
    stored::answer(
        &context.method,
        &context.client,
        entry,
        context.platform.now_ms(),
    )
}

/// Says what an answer depends on. Not what is kept: the same image is kept for every form.
fn vary<P: Platform>(context: &Context<P>, headers: &mut HeaderMap) {
    for name in client_hints::varies(context) {
        headers::add_vary(headers, name);
    }
}

fn fingerprint(known: &Entry) -> String {
    let digest = known
        .headers
        .get(DIGEST)
        .and_then(|value| value.to_str().ok());
    digest.unwrap_or_default().to_owned()
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
            match stored_variant(context, &entry, "revalidated").await {
                Ok(answer) => answer,
                Err(variant) => instead(context, entry, body, variant, "revalidated").await,
            }
        }
        (Ok((response, _)), _) => deliver(context, response).await,
    }
}

/// Sends an original on its way, and keeps it for the optimizer where that is allowed.
async fn deliver<P: Platform>(context: &mut Context<P>, response: Response<P::Body>) -> Answer<P> {
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
    let waits = context.platform.capabilities().deadlines
        && context.method == Method::GET
        && !context.client.contains_key(RANGE);
    let (ahead, body) = match (waits, body) {
        (true, body) => match read_whole(context, &parts.headers, body).await {
            Ok(Read::Whole(body)) => return new_image(context, &proof, &parts.headers, body).await,
            Ok(Read::TooLong(ahead, rest)) => (ahead, rest),
            Err(error) => {
                let error = FetchError::Unreachable(Service::Origin, error.to_string());
                return problem::unreachable(&context.client, &error);
            }
        },
        (false, body) => (Vec::new(), body),
    };
    let class = Class::of(&context.client);
    note(context, "miss", None);
    let (later, headers) = (context.detached(), parts.headers.clone());
    vary(context, &mut parts.headers);
    if context.method == Method::HEAD {
        return Response::from_parts(parts, AnswerBody::Empty);
    }
    let mut pipe = context.pipe(ahead, body);
    pipe.collect = Some(Collect::new(
        context.app.policy.cache.max_body_bytes,
        headers::content_length(&parts.headers),
        move |body| {
            let known = known_as(&proof, &headers, &body);
            let platform = later.platform.clone();
            platform.spawn(async move {
                remember(&later, &known, &body).await;
                encode(&later, class, &known, body).await;
            });
        },
    ));
    Response::from_parts(parts, AnswerBody::Piped(pipe))
}

/// A new image, read whole: a first variant of it, or itself.
async fn new_image<P: Platform>(
    context: &mut Context<P>,
    proof: &Shareable,
    headers: &HeaderMap,
    body: Bytes,
) -> Answer<P> {
    let known = known_as(proof, headers, &body);
    let (later, kept, original) = (context.detached(), known.clone(), body.clone());
    context
        .platform
        .spawn(async move { remember(&later, &kept, &original).await });
    let class = Class::of(&context.client);
    // Another address, or an earlier visit, may have brought the same bytes.
    match variant(context, &fingerprint(&known), class).await {
        Variant::Ready(variant) => ready(context, &known, variant, "miss"),
        Variant::First(variant) => first_answer(context, &known, variant, "miss"),
        other => instead(context, known, body, other, "miss").await,
    }
}

/// What is known about an image that has just come.
fn known_as(proof: &Shareable, headers: &HeaderMap, body: &Bytes) -> Entry {
    let mut known = Entry::new(proof, headers, Bytes::new());
    if let Ok(value) = HeaderValue::from_str(&digest([body.as_ref()])) {
        known.headers.insert(DIGEST, value);
    }
    known
}

/// Stores an original and what is known about it.
async fn remember<P: Platform>(context: &Context<P>, known: &Entry, body: &Bytes) {
    let (platform, address) = (&context.platform, asset::address(context).image());
    platform
        .cache_put(&key::original(&fingerprint(known)), body.to_vec())
        .await;
    platform.cache_put(&address, known.encode()).await;
}

/// What was read of a body.
enum Read<B> {
    Whole(Bytes),
    /// More than is kept: what came, and the rest.
    TooLong(Vec<Bytes>, B),
}

/// Reads a body as far as it may be kept.
async fn read_whole<P: Platform>(
    context: &Context<P>,
    headers: &HeaderMap,
    mut body: P::Body,
) -> Result<Read<P::Body>, BodyError> {
    let limit = context.app.policy.cache.max_body_bytes as usize;
    let (mut pieces, mut length) = (Vec::new(), 0);
    while let Some(piece) = body.chunk().await? {
        length += piece.len();
        pieces.push(piece);
        if length > limit {
            return Ok(Read::TooLong(pieces, body));
        }
    }
    match headers::content_length(headers) {
        Some(expected) if expected != length as u64 => {
            Err(BodyError(format!("{length} bytes instead of {expected}")))
        }
        _ => Ok(Read::Whole(pieces.concat().into())),
    }
}

/// Why an image is answered in one form only (H71, H74). Empty where it is no candidate in the first place.
fn why_not_negotiated<P: Platform>(
    context: &Context<P>,
    parts: &http::response::Parts,
) -> Option<&'static str> {
    let headers = &parts.headers;
    let kind = headers::media_type(headers);
    if parts.status != StatusCode::OK || !TYPES.contains(&kind.as_str()) {
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

/// Makes the better variant, if nobody else does, from the original in the store.
fn refine_later<P: Platform>(context: &Context<P>, known: Entry) {
    let class = Class::of(&context.client);
    let later = context.detached();
    context.platform.spawn(async move {
        let original = key::original(&fingerprint(&known));
        if let Some(original) = later.platform.cache_get(&original).await {
            encode(&later, class, &known, original.into()).await;
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
