//! A page: fetched whole, judged by its response, rewritten and compressed while it streams.

mod early;
mod observe;

use std::rc::Rc;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_DISPOSITION, COOKIE, EXPIRES};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use url::Url;
use vitrine_rum_collector::token::{self, Claims};

use super::image::client_hints;
use super::{asset, prefetch, sheet};
use crate::answer::{Answer, AnswerBody, Learn, Pipe};
use crate::app::App;
use crate::audit::sampled::{self, Made, Sample};
use crate::cache::Entry;
use crate::cache::key::Address;
use crate::context::Context;
use crate::encoding::{Accepted, Coding, Decoder, Encoder};
use crate::experiment;
use crate::headers;
use crate::html::{
    Clock, EarlyHints, Exception, ImageKey, ImagePreload, Linked, PageFacts, Rewriter, passes,
};
use crate::learned::Learned;
use crate::ledger;
use crate::platform::{Body, Payload, Platform};
use crate::problem;
use crate::speculation;

use early::Early;

/// How much of a compressed body is read ahead to see whether it is what its label says, in bytes.
const AHEAD_BYTES: usize = 1024;
/// Smallest body worth compressing, in bytes: below it, coding overhead eats the gain.
pub(crate) const MIN_COMPRESSED_BYTES: u64 = 1024;

/// Answers a request that looks like one for a page.
pub(crate) async fn respond<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
) -> Answer<P> {
    let fragment = why_fragment(&context.client);
    let mut headers = context.headers_for_origin("page");
    if fragment.is_none() {
        headers::ask_for_the_whole(&mut headers);
        let accepted = Accepted::of_request(&context.client);
        headers.insert(
            ACCEPT_ENCODING,
            HeaderValue::from_static(accepted.for_origin()),
        );
    }
    let early = match fragment {
        None => early::send(context).await,
        Some(_) => Early::not("not a page"),
    };
    let response = match context.fetch(headers, payload).await {
        Ok((response, report)) if report.is_down() => return context.pass(response, "origin-down"),
        Ok((response, _)) => response,
        Err(error) => return problem::unreachable(&context.client, &error),
    };
    match fragment.or_else(|| why_untouched(response.status(), response.headers())) {
        Some(reason) => context.pass(response, reason),
        None => transform(context, response, early).await,
    }
}

/// Why the request is for a part of a page, which its own script puts in place, or for data (H05).
fn why_fragment(client: &HeaderMap) -> Option<&'static str> {
    let asked_by_script = ["x-requested-with", "hx-request", "turbo-frame", "x-pjax"];
    if asked_by_script
        .iter()
        .any(|name| client.contains_key(*name))
    {
        return Some("fragment");
    }
    let destination = client.get("sec-fetch-dest").and_then(|v| v.to_str().ok());
    if destination.is_some_and(|d| !matches!(d, "document" | "iframe" | "frame")) {
        return Some("not-a-navigation");
    }
    let accept = client
        .get(ACCEPT)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("*/*");
    let takes_pages = accept.contains("text/html") || accept.contains("*/*");
    (!takes_pages).then_some("not-a-navigation")
}

/// Why a response is none of the rewriter's business (H10, H14, H15, H19).
fn why_untouched(status: StatusCode, headers: &HeaderMap) -> Option<&'static str> {
    if status != StatusCode::OK {
        return Some("status");
    }
    if headers::media_type(headers) != "text/html" {
        return Some("type");
    }
    if headers::is_no_transform(headers) {
        return Some("no-transform");
    }
    let disposition = headers
        .get(CONTENT_DISPOSITION)
        .and_then(|v| v.to_str().ok());
    if disposition.is_some_and(|d| {
        d.trim_start()
            .to_ascii_lowercase()
            .starts_with("attachment")
    }) {
        return Some("attachment");
    }
    Coding::of_response(headers).is_none().then_some("encoding")
}

/// Rewrites and compresses, as far as either is wanted.
async fn transform<P: Platform>(
    context: &mut Context<P>,
    response: Response<P::Body>,
    early: Early,
) -> Answer<P> {
    let known = match early.known {
        Some(known) => known,
        None => known(context).await,
    };
    early::learn(context, &known.template).await;
    if let Some(reason) = observe::reason(context, &known) {
        return observe::respond(context, &known, response, reason);
    }
    let (mut parts, mut body) = response.into_parts();
    let coded = Coding::of_response(&parts.headers).unwrap_or(Coding::Identity);
    let (mut rewriter, sample) = rewriter(context, &parts.headers, known, early.hints);
    let changes = rewriter.active();
    if !changes && !compresses(context, &parts.headers, coded) {
        context.entry.passes = ledger::passes(&rewriter);
        let response = Response::from_parts(parts, body);
        return context.pass(response, "nothing-to-do");
    }
    let ahead = match look_ahead(&mut body, coded).await {
        Ahead::AsLabelled(ahead) => ahead,
        Ahead::Mislabelled(ahead) => {
            let mut answer =
                context.pass(Response::from_parts(parts, body), "mislabelled-encoding");
            put_back(context, &mut answer, ahead);
            return answer;
        }
    };

    let keep = prefetch::keep(context, &parts.headers, coded != Coding::Identity);
    let out = dress(context, &mut parts.headers, coded, &mut rewriter);
    if context.method == Method::HEAD {
        return Response::from_parts(parts, AnswerBody::Empty);
    }
    let mut pipe = context.pipe(ahead, body);
    pipe.decode = (coded != Coding::Identity).then(|| Decoder::new(coded));
    pipe.keep = keep;
    pipe.sample = sample.filter(|_| changes);
    send(context, Response::from_parts(parts, pipe), rewriter, out)
}

/// A page that was kept as the shop wrote it, made anew for this visitor, or why not.
pub(crate) async fn from_kept<P: Platform>(
    context: &mut Context<P>,
    entry: Entry,
) -> Result<Answer<P>, &'static str> {
    let known = known(context).await;
    if observe::reason(context, &known).is_some() {
        return Err("not-to-be-changed");
    }
    let Entry {
        mut headers, body, ..
    } = entry;
    // Browsers put what they fetch ahead into their HTTP cache too, and `Clear-Site-Data` spares that unless it takes
    // everything: a click after the cart has changed must not be answered from there (H94).
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.remove(EXPIRES);
    let not_sent = EarlyHints::Not("not a visitor's navigation");
    let (mut rewriter, sample) = rewriter(context, &headers, known, not_sent);
    let out = dress(context, &mut headers, Coding::Identity, &mut rewriter);
    let mut pipe = Box::new(Pipe::of_bytes(&context.platform, body));
    pipe.sample = sample.filter(|_| rewriter.active());
    let mut response = Response::new(pipe);
    *response.headers_mut() = headers;
    Ok(send(context, response, rewriter, out))
}

/// The head of a page that is rewritten or compressed, and the coding in which it is sent.
fn dress<P: Platform>(
    context: &mut Context<P>,
    headers: &mut HeaderMap,
    coded: Coding,
    rewriter: &mut Rewriter,
) -> Coding {
    let accepted = Accepted::of_request(&context.client);
    let out = outgoing(context, headers, coded, accepted);
    for (name, value) in rewriter.response_headers() {
        headers.append(name, value);
    }
    if context.app.policy.images.client_hints && !context.is_held_back() {
        headers.append("accept-ch", HeaderValue::from_static(client_hints::ASKED));
    }
    headers::body_changed(headers);
    headers::set_content_encoding(headers, (out != Coding::Identity).then(|| out.token()));
    headers::add_vary(headers, "Accept-Encoding");
    context.summary.push(if rewriter.active() {
        format!("rewritten; passes={}", ledger::applying(rewriter))
    } else {
        "compressed".into()
    });
    out
}

/// Sends a page through the passes and the encoder.
fn send<P: Platform>(
    context: &mut Context<P>,
    response: Response<Box<Pipe<P>>>,
    rewriter: Rewriter,
    out: Coding,
) -> Answer<P> {
    let quality = context.app.policy.compression.brotli_quality;
    let learn = learn(context);
    response.map(|mut pipe| {
        pipe.learn = Some(learn);
        pipe.rewrite = Some(Box::new(rewriter));
        pipe.encode = Encoder::new(out, quality);
        AnswerBody::Piped(pipe)
    })
}

/// What is known of a page before its first byte is looked at.
struct Known {
    template: String,
    learned: Rc<Learned>,
    /// What may be done to it.
    passes: passes::Config,
    exceptions: Vec<Exception>,
}

async fn known<P: Platform>(context: &mut Context<P>) -> Known {
    let template = context.template();
    let app = Rc::clone(&context.app);
    let learned = app.memory.of(&context.platform, &template).await;
    let (passes, exceptions) = app.policy.passes_for(&template, context.uri.path());
    Known {
        template,
        learned,
        passes: passes.into_owned(),
        exceptions,
    }
}

/// The rewriter for this page and this visitor.
fn rewriter<P: Platform>(
    context: &mut Context<P>,
    headers: &HeaderMap,
    known: Known,
    early: EarlyHints,
) -> (Rewriter, Option<Sample>) {
    let Known {
        template,
        learned,
        passes,
        exceptions,
    } = known;
    let measures = !context.app.secrets.rum_key.is_empty()
        && context.app.policy.rum.enabled
        && vitrine_rum_collector::script::BODY.is_some();
    let mut facts = PageFacts {
        rum_script: vitrine_rum_collector::script::PATH,
        hints: learned.hints.clone(),
        preloads: preloads(context, &learned),
        early,
        rules: speculation::rules_for(&context.app.policy, &context.client),
        exceptions,
        off: learned.switched_off(&context.app.policy.version),
        image_key: ImageKey(context.app.secrets.image_key.clone()),
        clock: context.times_passes().then(|| clock(&context.platform)),
        ..PageFacts::new(public_url(context), template.clone(), headers.clone())
    };
    if measures {
        context.assign();
        facts.rum_token = page_token(context, &template);
    } else if context.app.policy.holdback.percent > 0 {
        // Without measurement, arms matter only on pages that a pass would change.
        let rewriter = Rewriter::new(&passes, facts.clone());
        if !rewriter.active() {
            return (rewriter, None);
        }
        context.assign();
    }
    let passes = if context.is_held_back() {
        measuring_only(&passes)
    } else {
        passes
    };
    let sample = is_sampled(context).then(|| sample(context, &passes, &facts));
    (Rewriter::new(&passes, facts), sample)
}

/// Whether the second parser looks at this page: at one in so many, and never at an operator's.
fn is_sampled<P: Platform>(context: &Context<P>) -> bool {
    let one_in = u64::from(context.app.policy.audit.one_in);
    one_in > 0 && context.explaining.is_none() && context.platform.random().is_multiple_of(one_in)
}

/// Keeps the page for the second parser.
fn sample<P: Platform>(context: &Context<P>, config: &passes::Config, facts: &PageFacts) -> Sample {
    let (app, platform) = (Rc::clone(&context.app), context.platform.clone());
    let made = Made {
        config: config.clone(),
        facts: facts.clone(),
        entry: context.detached().entry,
    };
    Sample::new(move |pair, applied| {
        platform.spawn(sampled::look(app, platform.clone(), made, pair, applied));
    })
}

/// What is remembered of a page when passes have seen it to its end.
fn learn<P: Platform>(context: &mut Context<P>) -> Learn {
    let (app, platform) = (Rc::clone(&context.app), context.platform.clone());
    let template = context.template();
    let path = context.uri.path().to_owned();
    let is_plain = context.uri.query().is_none();
    let is_anonymous = !context.client.contains_key(COOKIE);
    let visit = context.detached();
    let known_by = move |sheet: Linked| {
        let address = Address {
            path_and_query: &sheet.address,
            ..asset::address(&visit)
        };
        (address.sheet(), sheet)
    };
    Box::new(move |rewriter| {
        let sheets: Vec<_> = rewriter.sheets().into_iter().map(known_by).collect();
        if !sheets.is_empty() {
            let store = platform.clone();
            platform.spawn(async move { sheet::seen(&store, sheets).await });
        }
        let (stale, payment) = (rewriter.stale(), rewriter.payment());
        let preloads = rewriter.preloads().filter(|_| is_plain);
        if stale.is_empty() && payment.is_none() && preloads.is_none() {
            return;
        }
        let work = async move |app: Rc<App>, platform: P| {
            let change = |learned: &mut Learned| {
                learned.drop_hints(stale);
                match preloads {
                    Some(seen) if is_anonymous => learned.preloads.saw(&path, &seen),
                    Some(_) => learned.preloads.missed(&path),
                    None => {}
                }
                if let Some(evidence) = payment {
                    learned.pages.saw(&path, Some(&evidence));
                }
            };
            app.memory.change(&platform, &template, change).await;
        };
        platform.spawn(work(app, platform.clone()));
    })
}

/// What earlier views have shown of this very page. With a query it may be another page.
fn preloads<P: Platform>(context: &Context<P>, learned: &Learned) -> Vec<ImagePreload> {
    match context.uri.query() {
        None => learned.preloads.of(context.uri.path()).to_vec(),
        Some(_) => Vec::new(),
    }
}

/// The host's clock, for the receipts of passes.
fn clock<P: Platform>(platform: &P) -> Clock {
    let platform = platform.clone();
    Clock(Rc::new(move || platform.monotonic_us()))
}

/// What a visitor in the control arm gets: the measurement, and nothing else.
fn measuring_only(passes: &passes::Config) -> passes::Config {
    passes::Config {
        inject_rum: passes.inject_rum.clone(),
        ..passes::Config::off()
    }
}

/// The page's address as the visitor knows it.
pub(crate) fn public_url<P: Platform>(context: &Context<P>) -> Url {
    let scheme = if context.visitor.secure {
        "https"
    } else {
        "http"
    };
    let host = context.visitor.host.as_deref().unwrap_or("localhost");
    Url::parse(&format!("{scheme}://{host}{}", context.path_and_query()))
        .or_else(|_| Url::parse("http://localhost/"))
        .expect("a constant URL should parse")
}

/// The signed token of this page view, for a visitor who is measured.
fn page_token<P: Platform>(context: &Context<P>, template: &str) -> Option<String> {
    let assignment = context.assignment?;
    if context.refuses_measurement() {
        return None;
    }
    let policy = &context.app.policy;
    let claims = Claims {
        site: policy.site.id.clone(),
        template: template.to_owned(),
        arms: vec![assignment.arm.to_string()],
        bucket: assignment.bucket,
        weight: experiment::sample(assignment.bucket, policy.rum.sample_percent)?,
        issued_minute: context.platform.now_ms() / 60_000,
    };
    Some(token::mint(context.app.secrets.rum_key.as_bytes(), &claims))
}

/// Whether an untouched body is still worth compressing.
pub(crate) fn compresses<P: Platform>(
    context: &Context<P>,
    headers: &HeaderMap,
    coded: Coding,
) -> bool {
    context.app.policy.compression.enabled
        && coded == Coding::Identity
        && !context.is_held_back()
        && Accepted::of_request(&context.client).best() != Coding::Identity
        && headers::content_length(headers).is_none_or(|bytes| bytes >= MIN_COMPRESSED_BYTES)
}

/// The coding of the answer: the origin's own where it coded the body, so that a visitor in the control
/// arm gets what the shop sends, and the best that the client reads where it did not.
fn outgoing<P: Platform>(
    context: &Context<P>,
    headers: &HeaderMap,
    coded: Coding,
    accepted: Accepted,
) -> Coding {
    match coded {
        Coding::Identity if compresses(context, headers, coded) => accepted.best(),
        Coding::Identity => Coding::Identity,
        _ if context.app.policy.compression.enabled && !context.is_held_back() => accepted.best(),
        Coding::Deflate if accepted.takes(Coding::Gzip) => Coding::Gzip,
        Coding::Deflate => Coding::Identity,
        _ if accepted.takes(coded) => coded,
        _ => Coding::Identity,
    }
}

enum Ahead {
    AsLabelled(Vec<Bytes>),
    Mislabelled(Vec<Bytes>),
}

/// Reads the beginning of a compressed body and tries to decode it: a body that is not what its label says,
/// or that was compressed twice, passes untouched (H15). Plain bodies are not waited for.
async fn look_ahead<B: Body>(body: &mut B, coded: Coding) -> Ahead {
    let mut ahead = Vec::new();
    if coded == Coding::Identity {
        return Ahead::AsLabelled(ahead);
    }
    let mut decoder = Decoder::new(coded);
    let mut plain = Vec::new();
    let mut seen = 0;
    while plain.len() < 2 && seen < AHEAD_BYTES {
        // An end or an error here is met again, and dealt with, when the pipe reads on.
        let Ok(Some(piece)) = body.chunk().await else {
            break;
        };
        seen += piece.len();
        let bytes = decoder.write(&piece);
        ahead.push(piece);
        match bytes {
            Ok(bytes) => plain.extend(bytes),
            Err(_) => return Ahead::Mislabelled(ahead),
        }
    }
    let is_compressed_again = plain.starts_with(&[0x1f, 0x8b]);
    if is_compressed_again {
        Ahead::Mislabelled(ahead)
    } else {
        Ahead::AsLabelled(ahead)
    }
}

/// Gives a body that was looked into back its beginning.
fn put_back<P: Platform>(context: &Context<P>, answer: &mut Answer<P>, ahead: Vec<Bytes>) {
    let body = std::mem::replace(answer.body_mut(), AnswerBody::Empty);
    *answer.body_mut() = match body {
        AnswerBody::Passed(body) => AnswerBody::Piped(context.pipe(ahead, body)),
        other => other,
    };
}
