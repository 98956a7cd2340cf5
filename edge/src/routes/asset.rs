//! A static asset: from the cache, or from the origin into it.

use std::rc::Rc;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, REFERER, USER_AGENT,
};
use http::{HeaderValue, Method, Response, StatusCode};
use url::Url;

use super::{page, sheet, stored};
use crate::answer::{Answer, AnswerBody, Collect};
use crate::cache::freshness::Question;
use crate::cache::key::{self, Address};
use crate::cache::{Age, Bypass, Entry, Shareable};
use crate::context::Context;
use crate::encoding::{Accepted, Coding, Encoder};
use crate::headers;
use crate::learned::Learned;
use crate::platform::{FetchError, Payload, Platform};
use crate::problem;
use crate::route;

/// How long a fetch that was announced is waited for by others before they try themselves, in milliseconds.
const IN_FLIGHT_MS: u64 = 30_000;
/// How long an entry is served to a visitor who presses reload, in milliseconds: one visitor's reloads
/// cannot become a load on the origin.
const RELOAD_MS: u64 = 5_000;

/// Answers a request that looks like one for a static asset.
pub(crate) async fn respond<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
) -> Answer<P> {
    let answer = if bypass(context).is_some() {
        fetch(context, payload, None).await
    } else {
        let known = lookup(context).await;
        from_cache(context, payload, known).await
    };
    if answer.status() == StatusCode::NOT_FOUND && context.method == Method::GET {
        give_up_hints(context);
    }
    answer
}

/// A file that is not there is hinted no more (H99). Which templates name it is known to this instance, or the
/// page that asked for it tells.
fn give_up_hints<P: Platform>(context: &Context<P>) {
    let (app, platform) = (Rc::clone(&context.app), context.platform.clone());
    let file = page::public_url(context);
    let asking = context
        .client
        .get(REFERER)
        .and_then(|referer| Url::parse(referer.to_str().ok()?).ok())
        .filter(|page| page.origin() == file.origin())
        .map(|page| route::template(page.path(), &app.policy).to_owned());
    context.platform.spawn(async move {
        let mut templates = app.memory.templates();
        templates.extend(asking);
        for template in templates {
            let gone = app.memory.of(&platform, &template).await.hinted_as(&file);
            if !gone.is_empty() {
                let change = |learned: &mut Learned| learned.drop_hints(gone);
                app.memory.change(&platform, &template, change).await;
            }
        }
    });
}

/// Why the cache is left out before it is even asked.
pub(crate) fn bypass<P: Platform>(context: &Context<P>) -> Option<&'static str> {
    if !context.app.policy.cache.enabled {
        return Some("switched-off");
    }
    context
        .client
        .contains_key(AUTHORIZATION)
        .then_some("authorization")
}

/// The entry for this request and this client's coding.
pub(crate) async fn lookup<P: Platform>(context: &Context<P>) -> Option<Entry> {
    Entry::decode(context.platform.cache_get(&key(context)).await?)
}

/// Answers with what the cache holds, or with what the origin says.
pub(crate) async fn from_cache<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
    known: Option<Entry>,
) -> Answer<P> {
    let now_ms = context.platform.now_ms();
    let Some(entry) = known else {
        return fetch(context, payload, None).await;
    };
    match standing(context, &entry) {
        Age::Fresh => {
            context.note_cache("hit", None);
            let entry = sheet::better(context, entry).await;
            stored::answer(&context.method, &context.client, entry, now_ms)
        }
        Age::Stale => {
            context.note_cache("stale", None);
            refresh_later(context, entry.clone());
            let entry = sheet::better(context, entry).await;
            stored::answer(&context.method, &context.client, entry, now_ms)
        }
        Age::Dead => fetch(context, payload, Some(entry)).await,
    }
}

/// How an entry stands for this client: one who presses reload wants to know from the origin (H86).
pub(crate) fn standing<P: Platform>(context: &Context<P>, entry: &Entry) -> Age {
    let now_ms = context.platform.now_ms();
    let reloads = headers::tokens(&context.client, &CACHE_CONTROL)
        .any(|d| d.eq_ignore_ascii_case("no-cache") || d.eq_ignore_ascii_case("max-age=0"));
    if reloads && now_ms.saturating_sub(entry.freshness.received_ms) >= RELOAD_MS {
        return Age::Dead;
    }
    entry.freshness.at(now_ms)
}

/// Fetches from the origin; what may be shared is stored while it streams. An entry that is too old to
/// serve still saves the transfer, if the origin confirms it, and stands in where the origin fails.
async fn fetch<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
    known: Option<Entry>,
) -> Answer<P> {
    let mut headers = context.headers_for_origin("asset");
    let coding = Accepted::of_request(&context.client).best();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding.token()));
    if let Some(entry) = &known {
        ask_whether_changed(&mut headers, entry);
    }
    match (context.fetch(headers, payload).await, known) {
        (Ok((response, report)), Some(entry))
            if report.is_down() || response.status().is_server_error() =>
        {
            instead_of(context, entry, Ok(response))
        }
        (Err(error), Some(entry)) => instead_of(context, entry, Err(error)),
        (Err(error), None) => problem::unreachable(&context.client, &error),
        (Ok((response, _)), Some(entry)) if response.status() == StatusCode::NOT_MODIFIED => {
            let entry = confirmed(context, entry, response.headers());
            store_later(context, key(context), entry.clone());
            context.note_cache("revalidated", None);
            let entry = sheet::better(context, entry).await;
            stored::answer(
                &context.method,
                &context.client,
                entry,
                context.platform.now_ms(),
            )
        }
        (Ok((response, _)), _) => deliver(context, response),
    }
}

/// The origin failed: an entry that may stand in for it does.
pub(crate) fn instead_of<P: Platform>(
    context: &mut Context<P>,
    entry: Entry,
    failure: Result<Response<P::Body>, FetchError>,
) -> Answer<P> {
    let now_ms = context.platform.now_ms();
    if entry.freshness.covers_errors(now_ms) {
        context.note_cache("stale", Some("origin-error"));
        return stored::answer(&context.method, &context.client, entry, now_ms);
    }
    match failure {
        Ok(response) => context.pass(response, "origin-down"),
        Err(error) => problem::unreachable(&context.client, &error),
    }
}

/// Conditions for the origin, from an entry of ours instead of the client's own.
pub(crate) fn ask_whether_changed(headers: &mut http::HeaderMap, entry: &Entry) {
    headers::ask_for_the_whole(headers);
    if let Some(etag) = entry.headers.get(ETAG) {
        headers.insert(IF_NONE_MATCH, etag.clone());
    }
    if let Some(date) = entry.headers.get(LAST_MODIFIED) {
        headers.insert(IF_MODIFIED_SINCE, date.clone());
    }
}

/// An entry that the origin confirmed, with what its 304 says anew. A 304 that may not be shared leaves
/// the entry as old as it is: it answers this request, and is asked about again by the next.
pub(crate) fn confirmed<P: Platform>(
    context: &Context<P>,
    mut entry: Entry,
    fresh: &http::HeaderMap,
) -> Entry {
    for name in [
        "cache-control",
        "expires",
        "date",
        "age",
        "surrogate-control",
    ] {
        entry.headers.remove(name);
        for value in fresh.get_all(name) {
            entry
                .headers
                .append(http::HeaderName::from_static(name), value.clone());
        }
    }
    if let Ok(proof) = judge(context, StatusCode::OK, &entry.headers) {
        entry.freshness = proof.freshness();
    }
    entry
}

/// Sends a response on its way: compressed where that is wanted, stored where that is allowed.
pub(crate) fn deliver<P: Platform>(
    context: &mut Context<P>,
    response: Response<P::Body>,
) -> Answer<P> {
    let (mut parts, body) = response.into_parts();
    let out = coding(context, &parts);
    if out != Coding::Identity {
        headers::body_changed(&mut parts.headers);
        headers::set_content_encoding(&mut parts.headers, Some(out.token()));
    }
    if is_compressible(&parts.headers) && parts.status == StatusCode::OK {
        headers::add_vary(&mut parts.headers, "Accept-Encoding");
    }
    let proof = match bypass(context) {
        Some(reason) => Err(Bypass(reason.into())),
        None => judge(context, parts.status, &parts.headers),
    };
    match &proof {
        Ok(_) => context.note_cache("miss", None),
        Err(Bypass(reason)) => context.note_cache("bypass", Some(reason)),
    }
    let entry_headers = parts.headers.clone();
    sheet::vary(context, &mut parts.headers);
    if context.method == Method::HEAD || (proof.is_err() && out == Coding::Identity) {
        return Response::from_parts(parts, AnswerBody::Passed(body));
    }
    let mut pipe = context.pipe(Vec::new(), body);
    pipe.encode = Encoder::new(out, context.app.policy.compression.brotli_quality);
    if let Ok(proof) = proof {
        let (platform, key, headers) = (context.platform.clone(), key(context), entry_headers);
        let expected = headers::content_length(&parts.headers);
        let limit = context.app.policy.cache.max_body_bytes;
        pipe.collect = Some(Collect::new(limit, expected, move |body| {
            let entry = Entry::new(&proof, &headers, body);
            let store = platform.clone();
            platform.spawn(async move { store.cache_put(&key, entry.encode()).await });
        }));
    }
    Response::from_parts(parts, AnswerBody::Piped(pipe))
}

/// The coding to write, where the origin left the work to us.
fn coding<P: Platform>(context: &Context<P>, parts: &http::response::Parts) -> Coding {
    let plain = Coding::of_response(&parts.headers) == Some(Coding::Identity);
    let wanted = parts.status == StatusCode::OK
        && plain
        && is_compressible(&parts.headers)
        && !headers::is_no_transform(&parts.headers)
        && page::compresses(context, &parts.headers, Coding::Identity);
    if wanted {
        Accepted::of_request(&context.client).best()
    } else {
        Coding::Identity
    }
}

fn is_compressible(headers: &http::HeaderMap) -> bool {
    let kind = headers::media_type(headers);
    matches!(
        kind.as_str(),
        "text/css"
            | "text/javascript"
            | "application/javascript"
            | "application/x-javascript"
            | "application/wasm"
            | "application/manifest+json"
            | "image/svg+xml"
            | "image/x-icon"
            | "image/vnd.microsoft.icon"
            | "image/bmp"
            | "font/ttf"
            | "font/otf"
            | "application/vnd.ms-fontobject"
    )
}

/// Whether a response to this request may be shared.
pub(crate) fn judge<P: Platform>(
    context: &Context<P>,
    status: StatusCode,
    headers: &http::HeaderMap,
) -> Result<Shareable, Bypass> {
    let question = Question {
        method: &context.method,
        request: &context.client,
        keyed: &["accept", "accept-encoding"],
        now_ms: context.platform.now_ms(),
        stale_default_s: u64::from(context.app.policy.cache.stale_while_revalidate_s),
        session_cookies: &context.app.policy.cache.session_cookies,
    };
    Shareable::judge(&question, status, headers)
}

/// Fetches a stale entry anew, after this response, once for all who see it stale.
fn refresh_later<P: Platform>(context: &Context<P>, entry: Entry) {
    let mut later = context.detached();
    context.platform.spawn(async move {
        if announce(&later, &key(&later), IN_FLIGHT_MS).await {
            let answer = fetch(&mut later, Payload::Empty, Some(entry)).await;
            let _ = later.close(answer).into_body().drain().await;
        }
    });
}

/// Announces work on a key, unless somebody else did so a short while ago. The store has no atomic step,
/// so two may start at the same instant; the work is the same, and so is its result.
pub(crate) async fn announce<P: Platform>(
    context: &Context<P>,
    key: &str,
    patience_ms: u64,
) -> bool {
    let note = key::in_flight(key);
    let now_ms = context.platform.now_ms();
    let announced = context
        .platform
        .cache_get(&note)
        .await
        .and_then(|at| Some(u64::from_le_bytes(at.try_into().ok()?)));
    if announced.is_some_and(|at| now_ms.saturating_sub(at) < patience_ms) {
        return false;
    }
    context
        .platform
        .cache_put(&note, now_ms.to_le_bytes().to_vec())
        .await;
    true
}

pub(crate) fn store_later<P: Platform>(context: &Context<P>, key: String, entry: Entry) {
    let platform = context.platform.clone();
    context
        .platform
        .spawn(async move { platform.cache_put(&key, entry.encode()).await });
}

fn key<P: Platform>(context: &Context<P>) -> String {
    let coding = Accepted::of_request(&context.client).best().token();
    address(context).asset(coding)
}

/// What the response is known by.
pub(crate) fn address<P: Platform>(context: &Context<P>) -> Address<'_> {
    Address {
        policy: &context.app.policy.version,
        scheme: if context.visitor.secure {
            "https"
        } else {
            "http"
        },
        host: context.visitor.host.as_deref().unwrap_or_default(),
        path_and_query: context.path_and_query(),
    }
}

/// What a request of our own takes over from the client: how it reads, and nothing that is a person's.
pub(crate) fn impersonal(client: &http::HeaderMap) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    for name in [ACCEPT, ACCEPT_ENCODING, USER_AGENT] {
        if let Some(value) = client.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}
