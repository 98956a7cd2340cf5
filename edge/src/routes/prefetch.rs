//! A page that a browser fetches ahead of a click: answered from what is kept, or not at all. The shop is never
//! asked, no cookie is set, and nobody is counted (H92).

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::{asset, page};
use crate::answer::{Answer, Collect};
use crate::cache::freshness::Question;
use crate::cache::{Age, Bypass, Entry, page as shared};
use crate::context::Context;
use crate::headers;
use crate::platform::Platform;
use crate::problem;
use crate::route::Route;
use crate::speculation;

/// Largest page kept, in bytes: more than any that is worth fetching before someone asks for it. A copy is in memory
/// until its page has gone by.
const MAX_PAGE_BYTES: u32 = 1 << 20;

/// Whether a request is answered here and nowhere else. That holds for every path: what is not kept must not
/// reach the shop either, a cart or a logout least of all.
pub(crate) fn is_meant<P: Platform>(context: &Context<P>, route: Route) -> bool {
    let is_page = matches!(route, Route::Page | Route::Pass("sacred"));
    is_page && context.app.policy.prefetches() && speculation::is_page_ahead(&context.client)
}

/// Answers from what is kept, or refuses.
pub(crate) async fn respond<P: Platform>(context: &mut Context<P>, route: Route) -> Answer<P> {
    match kept(context, route).await {
        Ok(entry) => {
            context.note_cache("hit", Some("prefetch"));
            page::from_kept(context, entry)
                .await
                .unwrap_or_else(|reason| refuse(context, reason))
        }
        Err(reason) => refuse(context, reason),
    }
}

fn refuse<P: Platform>(context: &mut Context<P>, reason: &'static str) -> Answer<P> {
    context.note_cache("miss", Some(reason));
    problem::json(
        StatusCode::SERVICE_UNAVAILABLE,
        "pages are fetched ahead only where one is kept; a visit gets the page",
    )
}

/// The page that is kept for this request.
async fn kept<P: Platform>(context: &mut Context<P>, route: Route) -> Result<Entry, &'static str> {
    if route != Route::Page {
        return Err("sacred");
    }
    obstacle(context)?;
    let key = asset::address(context).page();
    let written = context.platform.cache_get(&key).await.ok_or("not-kept")?;
    let entry = Entry::decode(written).ok_or("not-kept")?;
    match entry.freshness.at(context.platform.now_ms()) {
        Age::Fresh => Ok(entry),
        Age::Stale | Age::Dead => Err("not-fresh"),
    }
}

/// Why nothing can be kept for a request, nor it be answered from what is kept.
fn obstacle<P: Platform>(context: &mut Context<P>) -> Result<(), &'static str> {
    let template = context.template();
    if !context.app.policy.keeps_pages(&template) {
        return Err("template");
    }
    if context.method != Method::GET || context.explaining.is_some() {
        return Err("method");
    }
    if context.uri.query().is_some() {
        return Err("query");
    }
    if shared::has_foreign_cookies(&context.client) {
        return Err("cookie");
    }
    if asset::bypass(context).is_some() {
        return Err("authorization");
    }
    Ok(())
}

/// What collects a page on its way to a visitor, as the shop wrote it and without its coding, where it may be
/// kept. `headers` are the shop's own.
pub(crate) fn keep<P: Platform>(
    context: &mut Context<P>,
    headers: &HeaderMap,
    is_coded: bool,
) -> Option<Collect> {
    let template = context.template();
    if !context.app.policy.keeps_pages(&template) {
        return None;
    }
    let refusal = if let Err(reason) = obstacle(context) {
        Some(Bypass(reason.into()))
    } else {
        let question = question(&context.method, &context.client, context.platform.now_ms());
        shared::refusal(&question, headers)
    };
    if let Some(Bypass(reason)) = refusal {
        context.note_cache("bypass", Some(&reason));
        return None;
    }
    context.note_cache("miss", None);
    let expected = headers::content_length(headers).filter(|_| !is_coded);
    let mut headers = headers.clone();
    if is_coded {
        headers::set_content_encoding(&mut headers, None);
        headers::body_changed(&mut headers);
    }
    let (platform, client) = (context.platform.clone(), context.client.clone());
    let (method, visitor) = (context.method.clone(), context.visitor.addr.clone());
    let (key, received) = (asset::address(context).page(), context.platform.now_ms());
    let limit = context.app.policy.cache.max_body_bytes.min(MAX_PAGE_BYTES);
    Some(Collect::new(limit, expected, move |body| {
        let question = question(&method, &client, received);
        let Ok(proof) = shared::judge(&question, &headers, &body, visitor.as_deref()) else {
            return;
        };
        let entry = Entry::new(&proof, &headers, body);
        let store = platform.clone();
        platform.spawn(async move { store.cache_put(&key, entry.encode()).await });
    }))
}

fn question<'a>(method: &'a Method, client: &'a HeaderMap, now_ms: u64) -> Question<'a> {
    Question {
        method,
        request: client,
        keyed: &["accept-encoding"],
        now_ms,
        stale_default_s: 0,
        session_cookies: &[],
    }
}

/// After a request that changes what the shop shows this visitor, such as a cart, what was fetched ahead is out of
/// date (H94). A shop that clears something itself has decided.
pub(crate) fn drop_what_is_out_of_date<P: Platform, B>(
    context: &Context<P>,
    response: &mut Response<B>,
) {
    let succeeded = response.status().is_success() || response.status().is_redirection();
    if succeeded
        && context.app.policy.prefetches()
        && crate::route::changes_state(&context.method, &context.uri, &context.app.policy)
    {
        let tokens = HeaderValue::from_static("\"prefetchCache\", \"prerenderCache\"");
        response
            .headers_mut()
            .entry("clear-site-data")
            .or_insert(tokens);
    }
}
