//! A style sheet of the shop's: as it came, until a better one is there, at the same URL. Better is a smaller one,
//! one with stand-ins for web fonts, or both.
//!
//! A page may hold a sheet to a digest of its bytes (`integrity`), and the request for the sheet does not say
//! so. A sheet is therefore left alone until [`MIN_VIEWS`] views of pages have linked it without, and from the
//! first that links it with. Only what a page's own link asks for is answered with another sheet: a script that
//! reads the text, or a service worker that keeps it, gets what the shop wrote (H30).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::asset;
use super::image::variant::{self, ENCODING_MS, Variant};
use crate::cache::Entry;
use crate::cache::key::{self, digest};
use crate::context::Context;
use crate::encoding::{Coding, Encoder};
use crate::fallback_fonts::sheet;
use crate::headers;
use crate::html::Linked;
use crate::platform::{Payload, Platform};

/// Views of pages that have to have linked a sheet without `integrity` before it is touched.
const MIN_VIEWS: u8 = 20;
/// What stands for a sheet that a page holds to its bytes.
const PINNED: u8 = u8::MAX;
/// Changes when another sheet is made of the same one.
const RECIPE: u8 = 1;
/// The passes for which sheets are changed.
const SMALLER: &str = "css";
const STAND_INS: &str = "font_fallback_metrics";
/// Longest sheet that is decoded, in bytes: what the optimizer takes.
const MAX_BYTES: usize = 2 << 20;
/// Who asks: a browser states what a request is for.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

fn is_candidate<P: Platform>(context: &Context<P>, headers: &HeaderMap) -> bool {
    recipe(context).is_some() && headers::media_type(headers) == "text/css"
}

/// What may be done to sheets.
fn recipe<P: Platform>(context: &Context<P>) -> Option<&'static str> {
    let may_run = |pass| context.app.policy.may_run(pass);
    match (may_run(SMALLER), may_run(STAND_INS)) {
        (true, true) => Some("minify-fonts"),
        (true, false) => Some("minify"),
        (false, true) => Some("fonts"),
        (false, false) => None,
    }
}

/// Says on every form of a sheet that there may be two.
pub(crate) fn vary<P: Platform>(context: &Context<P>, headers: &mut HeaderMap) {
    if is_candidate(context, headers) {
        headers::add_vary(headers, "Sec-Fetch-Dest");
    }
}

/// The better sheet in a stored one's place, where there is one for this client.
pub(crate) async fn better<P: Platform>(context: &mut Context<P>, mut entry: Entry) -> Entry {
    let Some(recipe) = recipe(context).filter(|_| is_candidate(context, &entry.headers)) else {
        return entry;
    };
    vary(context, &mut entry.headers);
    if let Err(reason) = may_change(context, &entry.headers).await {
        context.summary.push(format!("original: {reason}"));
        return entry;
    }
    let fingerprint = digest([entry.body.as_ref()]);
    let key = key::variant(&fingerprint, recipe, RECIPE);
    match variant::at(context, &key).await {
        Variant::Ready(better) => {
            context.summary.push("better".into());
            in_place_of(entry, better)
        }
        Variant::None(reason) => {
            context.summary.push(format!("original: {reason}"));
            entry
        }
        // Nobody waits for a sheet.
        Variant::First(_) | Variant::Unknown => {
            context.summary.push("original: not-ready".into());
            make_later(context, key, entry.clone());
            entry
        }
    }
}

fn in_place_of(mut entry: Entry, better: Entry) -> Entry {
    for name in [CONTENT_TYPE, ETAG, CONTENT_ENCODING] {
        match better.headers.get(&name) {
            Some(value) => entry.headers.insert(name, value.clone()),
            None => entry.headers.remove(name),
        };
    }
    headers::drop_digests(&mut entry.headers);
    Entry {
        body: better.body,
        ..entry
    }
}

/// Whether this client may get another sheet than the shop's, or why not.
async fn may_change<P: Platform>(
    context: &Context<P>,
    headers: &HeaderMap,
) -> Result<(), &'static str> {
    if context
        .client
        .get(SEC_FETCH_DEST)
        .is_none_or(|dest| dest != "style")
    {
        return Err("not-for-a-page");
    }
    if headers::is_no_transform(headers) {
        return Err("no-transform");
    }
    if headers.contains_key("sourcemap") || headers.contains_key("x-sourcemap") {
        return Err("source-map");
    }
    if headers.contains_key(CONTENT_DISPOSITION) {
        return Err("content-disposition");
    }
    match views(&context.platform, &asset::address(context).sheet()).await {
        PINNED => Err("integrity"),
        views if views < MIN_VIEWS => Err("not-seen-enough"),
        _ => Ok(()),
    }
}

async fn views<P: Platform>(platform: &P, key: &str) -> u8 {
    let known = platform.cache_get(key).await;
    known.and_then(|note| note.first().copied()).unwrap_or(0)
}

/// Remembers that a page has linked sheets, and how. Several passes may tell of one; what one of them must leave
/// alone, every pass must.
pub(crate) async fn seen<P: Platform>(platform: &P, sheets: Vec<(String, Linked)>) {
    let mut pinned: BTreeMap<String, bool> = BTreeMap::new();
    for (key, sheet) in sheets {
        *pinned.entry(key).or_default() |= sheet.pinned;
    }
    for (key, is_pinned) in pinned {
        let views = views(platform, &key).await;
        let now = match views {
            PINNED => continue,
            _ if is_pinned => PINNED,
            views if views >= MIN_VIEWS => continue,
            views => views + 1,
        };
        platform.cache_put(&key, vec![now]).await;
    }
}

fn make_later<P: Platform>(context: &Context<P>, key: String, original: Entry) {
    let later = context.detached();
    context.platform.spawn(async move {
        if !asset::announce(&later, &key, ENCODING_MS).await {
            return;
        }
        let started = later.platform.now_ms();
        let outcome = make(&later, &original).await;
        variant::record(&later, started, &original.body, &outcome);
        variant::keep(&later, &key, outcome).await;
    });
}

/// Makes a better sheet.
async fn make<P: Platform>(context: &Context<P>, original: &Entry) -> Result<Entry, String> {
    let coding = Coding::of_response(&original.headers).ok_or("encoding")?;
    let plain = coding
        .decoded(&original.body, MAX_BYTES)
        .ok_or("encoding")?;
    let may_run = |pass| context.app.policy.may_run(pass);
    if !may_run(STAND_INS) {
        return smaller(context, original, plain, coding).await;
    }
    let shipped = Entry {
        body: Bytes::from(plain.clone()),
        ..original.clone()
    };
    if !may_run(SMALLER) {
        return with_stand_ins(context, &shipped, coding);
    }
    let small = smaller(context, &shipped, plain.clone(), Coding::Identity).await;
    match with_stand_ins(context, small.as_ref().unwrap_or(&shipped), coding) {
        Ok(better) => Ok(better),
        Err(_) => smaller(context, original, plain, coding).await,
    }
}

/// Asks the optimizer for a smaller sheet, in a coding.
async fn smaller<P: Platform>(
    context: &Context<P>,
    original: &Entry,
    plain: Vec<u8>,
    coding: Coding,
) -> Result<Entry, String> {
    let mut request = Request::new(Payload::Full(Bytes::from(plain)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("/css");
    let head = request.headers_mut();
    if let Some(kind) = original.headers.get(CONTENT_TYPE) {
        head.insert(CONTENT_TYPE, kind.clone());
    }
    head.insert("x-vitrine-coding", HeaderValue::from_static(coding.token()));
    headers::nobody_waits(head);
    let (head, bytes) = variant::ask(context, request, MAX_BYTES, "error: too long").await?;
    // What a visitor is to gain is measured as it is sent.
    if bytes.len() * 100 > original.body.len() * 95 {
        return Err("not-smaller".into());
    }
    let name = digest([bytes.as_slice()]);
    let mut better = variant::variant_entry(original, &head, bytes, &name)?;
    if let Some(coding) = head.get(CONTENT_ENCODING) {
        better.headers.insert(CONTENT_ENCODING, coding.clone());
    }
    better.headers.remove(CONTENT_LENGTH);
    Ok(better)
}

/// A sheet, which has no coding, with stand-ins for web fonts, in a coding.
fn with_stand_ins<P: Platform>(
    context: &Context<P>,
    plain: &Entry,
    coding: Coding,
) -> Result<Entry, String> {
    // What is inserted is ASCII: whatever the encoding is, it is read as it was.
    let text = std::str::from_utf8(&plain.body).map_err(|_| "charset")?;
    if text.contains("sourceMappingURL=") {
        return Err("source-map".into());
    }
    let text = sheet::with_stand_ins(text)?;
    let body = match Encoder::new(coding, context.app.policy.compression.brotli_quality) {
        Some(mut encoder) => {
            let mut coded = encoder.write(text.as_bytes());
            coded.extend(encoder.finish());
            coded
        }
        None if coding == Coding::Identity => text.into_bytes(),
        None => return Err("encoding".into()),
    };
    let mut head = plain.headers.clone();
    head.remove(CONTENT_LENGTH);
    let name = digest([body.as_slice()]);
    let mut better = variant::variant_entry(plain, &head, body, &name)?;
    headers::set_content_encoding(
        &mut better.headers,
        Some(coding.token()).filter(|_| coding != Coding::Identity),
    );
    Ok(better)
}
