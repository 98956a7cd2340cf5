//! For whoever holds the operator's token: `/_v/explain?url=…`, what would be done with a page and why, and
//! `/_v/hints`, what is known of templates.

mod hints;
mod page;
mod reason;

use http::header::{ACCEPT, AUTHORIZATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use serde::Serialize;

use crate::answer::Answer;
use crate::app::journey;
use crate::context::Context;
use crate::ledger::{Entry, Pass};
use crate::platform::{Payload, Platform};
use crate::problem;
use crate::route::{self, Route};

/// Everything that was decided about one address.
#[derive(Debug, Serialize)]
struct Explanation<'a> {
    url: String,
    route: &'a str,
    template: Option<&'a str>,
    policy: &'a str,
    enabled: bool,
    status: u16,
    /// What `X-Vitrine` says.
    summary: String,
    reason: Option<&'a str>,
    /// The reason as the end of a sentence, where it is one of ours.
    because: Option<&'static str>,
    cache: Option<&'a str>,
    passes: Vec<ExplainedPass<'a>>,
    origin_ms: Option<u64>,
    ms: u64,
    bytes_in: Option<u64>,
    bytes_out: Option<u64>,
    error: Option<&'a str>,
    /// Headers of the answer; of cookies only the names.
    headers: Vec<(String, String)>,
    /// Headers that are not as the origin sent them. Empty where the origin was not asked.
    header_changes: Vec<HeaderChange>,
}

/// One header, as the origin sent it and as the visitor gets it.
#[derive(Debug, Serialize)]
struct HeaderChange {
    name: String,
    origin: Option<String>,
    answer: Option<String>,
}

#[derive(Debug, Serialize)]
struct ExplainedPass<'a> {
    pass: &'a str,
    applied: Option<u32>,
    skip: Option<&'a str>,
    bytes: i64,
    micros: Option<u64>,
    notes: &'a [String],
}

impl<'a> From<&'a Pass> for ExplainedPass<'a> {
    fn from(pass: &'a Pass) -> Self {
        Self {
            pass: pass.pass,
            applied: pass.applied,
            skip: pass.skip.as_deref(),
            bytes: pass.bytes,
            micros: pass.micros,
            notes: &pass.notes,
        }
    }
}

/// Answers the operator.
pub(crate) async fn respond<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
) -> Answer<P> {
    if let Some(refusal) = refuse(context) {
        return refusal;
    }
    if route::is_hints(context.uri.path()) {
        hints::respond(context, payload).await
    } else {
        explain_page(context).await
    }
}

/// Makes the visit of a page, and tells what happened on it.
async fn explain_page<P: Platform>(context: &mut Context<P>) -> Answer<P> {
    let Some(target) = parameter(&context.uri, "url").filter(|url| url.starts_with('/')) else {
        return problem::json(
            StatusCode::BAD_REQUEST,
            "say which page: /_v/explain?url=/path",
        );
    };
    let Ok(target) = target.parse::<Uri>() else {
        return problem::json(StatusCode::BAD_REQUEST, "the parameter `url` is not a path");
    };
    let (mut visit, explanation) = context.explaining(target.clone());
    let route = visit.route();
    if matches!(route, Route::Reserved | Route::Operator | Route::Fonts) {
        return problem::json(
            StatusCode::BAD_REQUEST,
            "reserved paths are not pages of the shop",
        );
    }
    let answer = journey(&mut visit, route, Payload::Empty).await;
    let (parts, body) = visit.close(answer).into_parts();
    let outcome = body.drain().await;
    let mut entry = explanation.borrow().clone();
    match outcome {
        Ok(bytes) => entry.bytes_out = Some(bytes),
        Err(error) => entry.error = Some(error.to_string()),
    }
    context.entry.origin_ms = entry.origin_ms;
    let explained = explain(context, &target, &entry, &parts.headers);
    if wants_json(context) {
        let body = serde_json::to_vec_pretty(&explained).unwrap_or_default();
        return problem::answer(StatusCode::OK, "application/json", body);
    }
    let mut answer = problem::answer(
        StatusCode::OK,
        "text/html; charset=utf-8",
        page::page(&explained).into_bytes(),
    );
    // Everything on the page comes from elsewhere: nothing on it may run or load.
    answer.headers_mut().insert(
        "content-security-policy",
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        ),
    );
    answer
        .headers_mut()
        .insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    answer
}

/// Closed without a token set, as if nothing were there; locked without the right one.
fn refuse<P: Platform>(context: &Context<P>) -> Option<Answer<P>> {
    let secrets = &context.app.secrets;
    if secrets.operator_token.is_empty() {
        return Some(problem::json(
            StatusCode::NOT_FOUND,
            "nothing lives at this reserved path",
        ));
    }
    let bearer = context
        .client
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .map(str::to_owned);
    let presented = bearer.or_else(|| parameter(&context.uri, "token"));
    if presented.is_some_and(|token| secrets.is_operator(&token)) {
        return None;
    }
    let mut answer = problem::json(StatusCode::UNAUTHORIZED, "this needs the operator's token");
    answer
        .headers_mut()
        .insert("www-authenticate", HeaderValue::from_static("Bearer"));
    Some(answer)
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    url::form_urlencoded::parse(uri.query()?.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn wants_json<P: Platform>(context: &Context<P>) -> bool {
    let accept = context
        .client
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok());
    parameter(&context.uri, "format").as_deref() == Some("json")
        || accept.is_some_and(|accept| accept.starts_with("application/json"))
}

fn explain<'a, P: Platform>(
    context: &'a Context<P>,
    target: &Uri,
    entry: &'a Entry,
    headers: &HeaderMap,
) -> Explanation<'a> {
    let policy = &context.app.policy;
    let shown = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let origin = entry.origin_headers.as_ref();
    Explanation {
        url: target.to_string(),
        route: entry.route,
        template: entry.template.as_deref(),
        policy: &policy.version,
        enabled: policy.enabled.0,
        status: entry.status,
        summary: headers.get("x-vitrine").map(shown).unwrap_or_default(),
        reason: entry.reason.as_deref(),
        because: entry.reason.as_deref().and_then(reason::meaning),
        cache: entry.cache,
        passes: entry.passes.iter().map(ExplainedPass::from).collect(),
        origin_ms: entry.origin_ms,
        ms: entry.ms,
        bytes_in: entry.bytes_in,
        bytes_out: entry.bytes_out,
        error: entry.error.as_deref(),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), readable(name, value)))
            .collect(),
        header_changes: origin.map_or_else(Vec::new, |origin| changes(origin, headers)),
    }
}

/// What differs between the origin's headers and the answer's: those of the answer first.
fn changes(origin: &HeaderMap, answer: &HeaderMap) -> Vec<HeaderChange> {
    let all = |headers: &HeaderMap, name: &HeaderName| {
        let values = headers.get_all(name).iter();
        let values: Vec<String> = values.map(|value| readable(name, value)).collect();
        (!values.is_empty()).then(|| values.join("\n"))
    };
    let gone = origin.keys().filter(|name| !answer.contains_key(*name));
    answer
        .keys()
        .chain(gone)
        .filter(|name| !origin.get_all(*name).iter().eq(answer.get_all(*name)))
        .map(|name| HeaderChange {
            name: name.to_string(),
            origin: all(origin, name),
            answer: all(answer, name),
        })
        .collect()
}

/// A header's value; of a cookie only the name.
fn readable(name: &HeaderName, value: &HeaderValue) -> String {
    let mut text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    if *name == SET_COOKIE {
        text.truncate(text.find('=').unwrap_or(0));
        text.push_str("=…");
    }
    text
}
