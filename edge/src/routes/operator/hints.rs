//! `/_v/hints`: what is known of the shop's templates, and a file of hints taken in.

use std::collections::BTreeSet;
use std::rc::Rc;

use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};
use serde::Serialize;

use crate::answer::Answer;
use crate::context::Context;
use crate::html::hints::{HintsFile, MAX_FILE, Report, TemplateReport};
use crate::learned::{self, Learned};
use crate::platform::{Body, Payload, Platform};
use crate::preloads::Preloads;
use crate::problem;

/// The template of pages that match no pattern.
const REST: &str = "other";

/// Answers an operator who is known to be one.
pub(super) async fn respond<P: Platform>(
    context: &Context<P>,
    payload: Payload<P::Body>,
) -> Answer<P> {
    match context.method {
        Method::GET => show(context).await,
        Method::PUT => import(context, payload).await,
        _ => {
            let mut answer = problem::json(
                StatusCode::METHOD_NOT_ALLOWED,
                "GET shows hints, PUT takes a file of them",
            );
            answer
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, PUT"));
            answer
        }
    }
}

/// What is stored of one template, or of all that the policy names.
async fn show<P: Platform>(context: &Context<P>) -> Answer<P> {
    let policy = &context.app.policy;
    let wanted = super::parameter(&context.uri, "template");
    let all = policy.templates.iter().map(|template| &*template.name);
    let mut names: Vec<&str> = match &wanted {
        Some(name) => vec![name],
        None => all.chain([REST]).collect(),
    };
    // A template may have several patterns.
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let mut report = Report::default();
    for name in names {
        let learned = learned::read(&context.platform, name).await;
        if wanted.is_some() || learned != Learned::default() {
            report.templates.push(describe(context, name, &learned));
        }
    }
    json(&report)
}

/// Takes a file of hints. Each of its templates begins anew: what was known before is forgotten, and so is
/// what was found stale. What was switched off stays off.
async fn import<P: Platform>(context: &Context<P>, payload: Payload<P::Body>) -> Answer<P> {
    let Some(text) = whole(payload).await else {
        return problem::json(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the file did not arrive whole, or has more than 1 MiB",
        );
    };
    let file = match HintsFile::read(&text) {
        Ok(file) => file,
        Err(problems) => {
            let detail = "the file has mistakes, and nothing was taken from it";
            return problem::list(StatusCode::UNPROCESSABLE_ENTITY, detail, &problems);
        }
    };
    let (app, platform) = (&context.app, &context.platform);
    let mut report = Report::default();
    for hints in file.templates {
        let name = hints.template.clone();
        let hints = Rc::new(hints);
        if name != REST && !app.policy.templates.iter().any(|t| t.name == name) {
            report.warnings.push(format!(
                "no template of `vitrine.toml` is called `{name}`; its hints wait for one"
            ));
        }
        app.memory
            .change(platform, &name, |learned| {
                learned.hints = Some(Rc::clone(&hints));
                learned.stale.clear();
                learned.preloads = Preloads::default();
            })
            .await;
        let learned = learned::read(platform, &name).await;
        if learned.hints.as_deref() != Some(&*hints) {
            return problem::json(
                StatusCode::SERVICE_UNAVAILABLE,
                &format!("the store did not keep the hints of `{name}`"),
            );
        }
        report.templates.push(describe(context, &name, &learned));
    }
    json(&report)
}

fn describe<P: Platform>(context: &Context<P>, name: &str, learned: &Learned) -> TemplateReport {
    let off = learned.switched_off(&context.app.policy.version);
    let passes = context.app.policy.passes_for_template(name);
    TemplateReport::new(name, learned.hints.as_deref(), off, &learned.stale, &passes)
}

/// The body, if it comes to its end within bounds.
async fn whole<B: Body>(payload: Payload<B>) -> Option<Vec<u8>> {
    let mut body = match payload {
        Payload::Empty => return Some(Vec::new()),
        Payload::Full(bytes) => return Some(bytes.to_vec()),
        Payload::Stream(body) => body,
    };
    let mut bytes = Vec::new();
    while let Some(piece) = body.chunk().await.ok()? {
        if bytes.len() + piece.len() > MAX_FILE {
            return None;
        }
        bytes.extend_from_slice(&piece);
    }
    Some(bytes)
}

fn json<P: Platform>(value: &impl Serialize) -> Answer<P> {
    let body = serde_json::to_vec_pretty(value).unwrap_or_default();
    problem::answer(StatusCode::OK, "application/json", body)
}
